pub(crate) const ONE: &str = "one";

pub(crate) fn one() -> String {
    format!("{} and {}", ONE, crate::in_a_macro::other::OTHER)
}
