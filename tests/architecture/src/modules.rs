//! The modules of a crate as its files declare them. What only tests compile is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::{Attribute, File, Item, UseTree};

/// A name that a `use` brings, and the path that it stands for.
pub(crate) struct Import {
    pub(crate) name: String,
    pub(crate) path: Vec<String>,
}

/// One module: a file, or a `mod { … }` inside one, which counts as that file.
pub(crate) struct Module {
    pub(crate) file: PathBuf,
    pub(crate) parent: Option<usize>,
    pub(crate) children: BTreeMap<String, usize>,
    /// What is defined here, by name.
    pub(crate) defined: BTreeSet<String>,
    pub(crate) imports: Vec<Import>,
    /// Modules or types of which everything is imported.
    pub(crate) globs: Vec<Vec<String>>,
    pub(crate) items: Vec<Item>,
}

/// The modules of one crate; the first is its root.
pub(crate) struct Crate {
    pub(crate) modules: Vec<Module>,
}

impl Crate {
    /// Reads the root file of a crate and all that it declares.
    pub(crate) fn read(root: &Path) -> Self {
        let mut read = Self {
            modules: Vec::new(),
        };
        let folder = root.parent().unwrap().to_owned();
        read.add(None, root.to_owned(), &folder, parse(root).items);
        read
    }

    /// `folder` is where the files of its children are.
    fn add(
        &mut self,
        parent: Option<usize>,
        file: PathBuf,
        folder: &Path,
        items: Vec<Item>,
    ) -> usize {
        let at = self.modules.len();
        self.modules.push(Module {
            file: file.clone(),
            parent,
            children: BTreeMap::new(),
            defined: BTreeSet::new(),
            imports: Vec::new(),
            globs: Vec::new(),
            items: Vec::new(),
        });
        for item in items {
            if is_for_tests(attributes(&item)) {
                continue;
            }
            match item {
                Item::Mod(module) => {
                    let name = module.ident.to_string();
                    let folder = folder.join(&name);
                    let child = match module.content {
                        Some((_, items)) => self.add(Some(at), file.clone(), &folder, items),
                        None => {
                            let file = file_of(&folder);
                            let items = parse(&file).items;
                            self.add(Some(at), file, &folder, items)
                        }
                    };
                    self.modules[at].children.insert(name, child);
                }
                Item::Use(item) => {
                    let module = &mut self.modules[at];
                    flatten(&item.tree, &mut Vec::new(), module);
                }
                item => {
                    let module = &mut self.modules[at];
                    module.defined.extend(name(&item));
                    module.items.push(item);
                }
            }
        }
        at
    }
}

fn parse(file: &Path) -> File {
    let source = fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    syn::parse_file(&source).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

fn file_of(folder: &Path) -> PathBuf {
    let beside = folder.with_extension("rs");
    if beside.exists() {
        beside
    } else {
        folder.join("mod.rs")
    }
}

pub(crate) fn flatten(tree: &UseTree, path: &mut Vec<String>, module: &mut Module) {
    match tree {
        UseTree::Path(step) => {
            path.push(step.ident.to_string());
            flatten(&step.tree, path, module);
            path.pop();
        }
        UseTree::Group(group) => {
            for tree in &group.items {
                flatten(tree, path, module);
            }
        }
        UseTree::Glob(_) => module.globs.push(path.clone()),
        UseTree::Name(name) => import(&name.ident.to_string(), None, path, module),
        UseTree::Rename(new) => {
            let name = new.rename.to_string();
            import(&new.ident.to_string(), Some(name), path, module);
        }
    }
}

fn import(last: &str, renamed: Option<String>, path: &[String], module: &mut Module) {
    let mut path = path.to_vec();
    if last != "self" {
        path.push(last.to_owned());
    }
    let name = renamed.or_else(|| path.last().cloned());
    module.imports.push(Import {
        name: name.unwrap_or_default(),
        path,
    });
}

/// Whether `cfg(test)` stands before it.
pub(crate) fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Path>()
                .is_ok_and(|condition| condition.is_ident("test"))
    })
}

fn name(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::TraitAlias(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}

pub(crate) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
