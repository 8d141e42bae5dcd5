use super::one;

pub(crate) fn other() {
    one::one();
}
