//! The paths that a module's code has, in expressions, types, patterns and macros, and the module
//! in which what a path names is defined. A re-export is followed: what counts is where the thing
//! stands, not through whose door it came.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItem, Item, Macro, Visibility};

use crate::modules::{Crate, Module, is_for_tests};

/// Re-exports of re-exports that are followed.
const MOST_STEPS: usize = 16;

/// All paths in the code of a module, apart from its `use`.
pub(crate) fn of(module: &Module) -> BTreeSet<Vec<String>> {
    let mut paths = Paths::default();
    for item in &module.items {
        paths.visit_item(item);
    }
    paths.0
}

#[derive(Default)]
struct Paths(BTreeSet<Vec<String>>);

impl<'ast> Visit<'ast> for Paths {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            let segments = path.segments.iter();
            self.0
                .insert(segments.map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }

    /// `use` inside a function.
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let mut inner = Module {
            file: Default::default(),
            parent: None,
            children: Default::default(),
            defined: Default::default(),
            imports: Vec::new(),
            globs: Vec::new(),
            items: Vec::new(),
        };
        crate::modules::flatten(&item.tree, &mut Vec::new(), &mut inner);
        self.0
            .extend(inner.imports.into_iter().map(|import| import.path));
        self.0.extend(inner.globs);
    }

    /// What a macro is given is not parsed; paths are told by their shape.
    fn visit_macro(&mut self, called: &'ast Macro) {
        self.visit_path(&called.path);
        self.tokens(called.tokens.clone());
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        self.tokens(item.mac.tokens.clone());
        visit::visit_item_macro(self, item);
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes = match item {
            ImplItem::Const(item) => &item.attrs,
            ImplItem::Fn(item) => &item.attrs,
            ImplItem::Type(item) => &item.attrs,
            _ => return visit::visit_impl_item(self, item),
        };
        if !is_for_tests(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests(crate::modules::attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    /// Who may see a thing imports nothing.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_attribute(&mut self, _: &'ast Attribute) {}
}

impl Paths {
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut joined = true;
        for token in tokens {
            match token {
                TokenTree::Ident(name) => {
                    if !joined {
                        self.end(&mut path);
                    }
                    path.push(name.to_string());
                    joined = false;
                }
                TokenTree::Punct(point) if point.as_char() == ':' => joined = true,
                token => {
                    self.end(&mut path);
                    joined = true;
                    if let TokenTree::Group(group) = token {
                        self.tokens(group.stream());
                    }
                }
            }
        }
        self.end(&mut path);
    }

    fn end(&mut self, path: &mut Vec<String>) {
        let path = std::mem::take(path);
        if path.len() > 1 {
            self.0.insert(path);
        }
    }
}

impl Crate {
    /// The module in which what a path names is defined; `None` if another crate has it.
    pub(crate) fn definer(&self, from: usize, path: &[String]) -> Option<usize> {
        self.resolve(from, path, MOST_STEPS, true)
    }

    /// `own` is whether the path's first name may be one that the module itself has.
    fn resolve(&self, from: usize, path: &[String], steps: usize, own: bool) -> Option<usize> {
        let steps = steps.checked_sub(1)?;
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => self.walk(0, rest, steps),
            "self" => self.walk(from, rest, steps),
            "super" => self.walk(self.modules[from].parent?, rest, steps),
            _ if own => self.named(from, path, steps),
            _ => None,
        }
    }

    fn walk(&self, from: usize, path: &[String], steps: usize) -> Option<usize> {
        match path.first().map(String::as_str) {
            None => Some(from),
            Some("super") => self.walk(self.modules[from].parent?, &path[1..], steps),
            Some("self") => self.walk(from, &path[1..], steps),
            // What is not found is made by a macro here.
            Some(_) => self.named(from, path, steps).or(Some(from)),
        }
    }

    fn named(&self, at: usize, path: &[String], steps: usize) -> Option<usize> {
        let (name, rest) = path.split_first()?;
        let module = &self.modules[at];
        if let Some(child) = module.children.get(name) {
            return self.walk(*child, rest, steps);
        }
        if module.defined.contains(name) {
            return Some(at);
        }
        let import = module.imports.iter().find(|import| import.name == *name);
        if let Some(import) = import {
            let whole: Vec<_> = import.path.iter().chain(rest).cloned().collect();
            // `use name;` would lead back here.
            let own = import.path.first() != Some(name);
            return self.resolve(at, &whole, steps, own || self.is_child(at, name));
        }
        module.globs.iter().find_map(|glob| {
            let target = self.resolve(at, glob, steps, true)?;
            let there = &self.modules[target];
            let has = there.defined.contains(name)
                || there.children.contains_key(name)
                || there.imports.iter().any(|import| import.name == *name);
            if has && target != at {
                self.named(target, path, steps.checked_sub(1)?)
            } else {
                None
            }
        })
    }

    fn is_child(&self, at: usize, name: &str) -> bool {
        self.modules[at].children.contains_key(name)
    }
}
