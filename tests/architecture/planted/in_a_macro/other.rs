pub(crate) const OTHER: &str = "other";

pub(crate) fn other() {
    assert_eq!(OTHER, super::one::ONE);
}
