//! A WIT package as what two of its versions are compared by: names, and the text of each
//! definition. Documentation is left out.

use std::collections::BTreeMap;
use std::path::Path;

use semver::Version;
use wit_parser::{
    Function, FunctionKind, Handle, InterfaceId, PackageId, Resolve, SourceMap, Stability, Type,
    TypeDefKind, TypeId, TypeOwner, World, WorldItem, WorldKey,
};

/// The files of a package: name and text.
pub(crate) type Sources = Vec<(String, String)>;

#[derive(Debug)]
pub(crate) struct Package {
    /// `provisioning:connector`
    pub(crate) name: String,
    pub(crate) version: Version,
    pub(crate) interfaces: BTreeMap<String, Interface>,
    pub(crate) worlds: BTreeMap<String, Item>,
}

#[derive(Debug)]
pub(crate) struct Interface {
    pub(crate) since: Option<Version>,
    /// Whether a connector exports it.
    pub(crate) exported: bool,
    pub(crate) types: BTreeMap<String, Item>,
    pub(crate) functions: BTreeMap<String, Item>,
}

/// A type, a function or a world.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) since: Option<Version>,
    /// `record`, `enum`, `func`, `static async func`, `world`…
    pub(crate) kind: String,
    /// In their order: fields, cases, flags; parameters, and the result; imports and exports.
    pub(crate) members: Vec<(String, String)>,
}

/// The files of a folder, in the order of their names.
pub(crate) fn sources(folder: &Path) -> Sources {
    let mut files: Sources = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wit"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).unwrap())
        })
        .collect();
    files.sort();
    files
}

impl Package {
    /// Reads it, or says what the parser objects to.
    pub(crate) fn parse(files: &Sources) -> Result<Self, String> {
        let mut map = SourceMap::default();
        for (name, text) in files {
            map.push_str(name, text.as_str());
        }
        let group = map.parse().map_err(|(_, error)| error.to_string())?;
        let mut resolve = Resolve::default();
        let id = resolve
            .push_group(group)
            .map_err(|error| error.to_string())?;
        Reader(&resolve).package(id)
    }
}

struct Reader<'a>(&'a Resolve);

impl Reader<'_> {
    fn package(&self, id: PackageId) -> Result<Package, String> {
        let package = &self.0.packages[id];
        let version = package.name.version.clone();
        let worlds: Vec<&World> = package
            .worlds
            .values()
            .map(|id| &self.0.worlds[*id])
            .collect();
        let exported = |id: InterfaceId| {
            let mut exports = worlds.iter().flat_map(|world| world.exports.values());
            exports.any(|item| matches!(item, WorldItem::Interface { id: of, .. } if *of == id))
        };
        let interfaces = package.interfaces.iter();
        Ok(Package {
            name: format!("{}:{}", package.name.namespace, package.name.name),
            version: version.ok_or("the package has no version")?,
            interfaces: interfaces
                .map(|(name, id)| (name.clone(), self.interface(*id, exported(*id))))
                .collect(),
            worlds: worlds
                .iter()
                .map(|world| (world.name.clone(), self.world(world)))
                .collect(),
        })
    }

    fn interface(&self, id: InterfaceId, exported: bool) -> Interface {
        let interface = &self.0.interfaces[id];
        Interface {
            since: since(&interface.stability),
            exported,
            types: interface
                .types
                .iter()
                .map(|(name, id)| (name.clone(), self.definition(*id)))
                .collect(),
            functions: interface
                .functions
                .iter()
                .map(|(name, function)| (name.clone(), self.function(function)))
                .collect(),
        }
    }

    fn world(&self, world: &World) -> Item {
        let both = [("import", &world.imports), ("export", &world.exports)];
        let mut members: Vec<_> = both
            .into_iter()
            .flat_map(|(way, items)| items.iter().map(move |item| (way, item)))
            .map(|(way, (key, item))| {
                let name = match key {
                    WorldKey::Name(name) => name.clone(),
                    WorldKey::Interface(id) => self.0.id_of(*id).unwrap_or_default(),
                };
                // The same interface in whichever version of the package.
                let name = name.split('@').next().unwrap_or_default();
                let what = match item {
                    WorldItem::Interface { .. } => "interface".to_owned(),
                    WorldItem::Function(function) => format!("{:?}", self.function(function)),
                    WorldItem::Type { id, .. } => format!("{:?}", self.definition(*id)),
                };
                (format!("{way} {name}"), what)
            })
            .collect();
        members.sort();
        Item {
            since: since(&world.stability),
            kind: "world".to_owned(),
            members,
        }
    }

    fn function(&self, function: &Function) -> Item {
        let kind = match function.kind {
            FunctionKind::Freestanding => "func",
            FunctionKind::AsyncFreestanding => "async func",
            FunctionKind::Method(_) => "method",
            FunctionKind::AsyncMethod(_) => "async method",
            FunctionKind::Static(_) => "static func",
            FunctionKind::AsyncStatic(_) => "static async func",
            FunctionKind::Constructor(_) => "constructor",
        };
        let parameters = function.params.iter();
        let result = function.result.iter().map(|result| ("result", result));
        Item {
            since: since(&function.stability),
            kind: kind.to_owned(),
            members: parameters
                .map(|parameter| (format!("parameter {}", parameter.name), &parameter.ty))
                .chain(result.map(|(name, result)| (name.to_owned(), result)))
                .map(|(name, ty)| (name, self.reference(ty)))
                .collect(),
        }
    }

    /// A type that has a name, as it is defined.
    fn definition(&self, id: TypeId) -> Item {
        let definition = &self.0.types[id];
        let members = match &definition.kind {
            TypeDefKind::Record(record) => record
                .fields
                .iter()
                .map(|field| (format!("field {}", field.name), self.reference(&field.ty)))
                .collect(),
            TypeDefKind::Variant(variant) => variant
                .cases
                .iter()
                .map(|case| {
                    (
                        format!("case {}", case.name),
                        self.optional(case.ty.as_ref()),
                    )
                })
                .collect(),
            TypeDefKind::Enum(cases) => cases
                .cases
                .iter()
                .map(|case| (format!("case {}", case.name), String::new()))
                .collect(),
            TypeDefKind::Flags(flags) => flags
                .flags
                .iter()
                .map(|flag| (format!("flag {}", flag.name), String::new()))
                .collect(),
            TypeDefKind::Resource => Vec::new(),
            other => vec![("type".to_owned(), self.anonymous(other))],
        };
        Item {
            since: since(&definition.stability),
            kind: definition.kind.as_str().to_owned(),
            members,
        }
    }

    /// A type where it is used: by its name, if it has one.
    fn reference(&self, ty: &Type) -> String {
        match ty {
            Type::Id(id) => {
                let definition = &self.0.types[*id];
                match (&definition.name, definition.owner) {
                    (Some(name), TypeOwner::Interface(owner)) => {
                        let owner = self.0.interfaces[owner].name.as_deref();
                        format!("{}.{name}", owner.unwrap_or_default())
                    }
                    (Some(name), _) => name.clone(),
                    (None, _) => self.anonymous(&definition.kind),
                }
            }
            primitive => format!("{primitive:?}").to_lowercase(),
        }
    }

    fn optional(&self, ty: Option<&Type>) -> String {
        ty.map(|ty| self.reference(ty)).unwrap_or_default()
    }

    fn anonymous(&self, kind: &TypeDefKind) -> String {
        let of = match kind {
            TypeDefKind::Handle(Handle::Own(id) | Handle::Borrow(id)) => {
                self.reference(&Type::Id(*id))
            }
            TypeDefKind::Tuple(tuple) => {
                let types: Vec<_> = tuple.types.iter().map(|ty| self.reference(ty)).collect();
                types.join(", ")
            }
            TypeDefKind::Result(result) => format!(
                "{}, {}",
                self.optional(result.ok.as_ref()),
                self.optional(result.err.as_ref())
            ),
            TypeDefKind::Option(ty) | TypeDefKind::List(ty) => self.reference(ty),
            TypeDefKind::Map(key, value) => {
                format!("{}, {}", self.reference(key), self.reference(value))
            }
            TypeDefKind::FixedLengthList(ty, length) => {
                format!("{}, {length}", self.reference(ty))
            }
            TypeDefKind::Future(ty) | TypeDefKind::Stream(ty) => self.optional(ty.as_ref()),
            TypeDefKind::Type(ty) => return self.reference(ty),
            other => unreachable!("a {} without a name", other.as_str()),
        };
        format!("{}<{of}>", kind.as_str())
    }
}

fn since(stability: &Stability) -> Option<Version> {
    match stability {
        Stability::Stable { since, .. } => Some(since.clone()),
        Stability::Unknown | Stability::Unstable { .. } => None,
    }
}
