//! Circles on purpose, one of each kind that there is, and modules without any. Read, never
//! compiled.

mod by_path;
mod by_use;
mod folder_one;
mod folder_two;
mod in_a_macro;
mod innocent;
mod re_export;
mod to_its_parent;
