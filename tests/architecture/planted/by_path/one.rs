pub(crate) fn one() {
    super::other::other();
}
