//! What a component imports and exports, down to its functions and their types, as text in
//! the manner of WIT.

use std::collections::HashMap;

use wasmparser::component_types::{
    AliasableResourceId, ComponentAnyTypeId, ComponentDefinedType, ComponentDefinedTypeId,
    ComponentEntityType, ComponentFuncTypeId, ComponentInstanceTypeId, ComponentItem,
    ComponentValType, ResourceId,
};
use wasmparser::types::{Types, TypesRef};

/// Functions that are listed of one component; a small file can name billions.
const MOST_FUNCTIONS: usize = 1_000;
/// Bytes after which a signature ends in `…`; types can nest without end.
const SIGNATURE_BYTES: usize = 500;

/// Something that a component imports or exports: an interface, usually.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Interface {
    /// Its name, such as `provisioning:connector/http@0.1.0`.
    pub name: String,
    /// Its functions, or itself where it is one.
    pub functions: Vec<Function>,
    /// What in it is neither function nor type: `module`, `component`, `instance` or `value`,
    /// and a name.
    pub others: Vec<String>,
    /// Functions and the like that are not listed, since there are too many.
    pub unlisted: usize,
}

/// A function of an [`Interface`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Function {
    /// Its name, such as `send`; of a resource's, such as `[method]connection.get`.
    pub name: String,
    /// Its type, such as `func(request: request) -> result<response, transport-failure>`.
    pub signature: String,
}

/// The interfaces of these names.
pub(super) struct Lister<'a> {
    types: &'a Types,
    left: usize,
}

impl<'a> Lister<'a> {
    pub(super) fn new(types: &'a Types) -> Self {
        Self {
            types,
            left: MOST_FUNCTIONS,
        }
    }

    pub(super) fn imports(&mut self, names: &[String]) -> Vec<Interface> {
        let types = self.types;
        names
            .iter()
            .map(|name| self.interface(name, types.component_item_for_import(name)))
            .collect()
    }

    pub(super) fn exports(&mut self, names: &[String]) -> Vec<Interface> {
        let types = self.types;
        names
            .iter()
            .map(|name| self.interface(name, types.component_item_for_export(name)))
            .collect()
    }

    fn interface(&mut self, name: &str, item: Option<&ComponentItem>) -> Interface {
        let mut interface = Interface {
            name: name.to_owned(),
            functions: Vec::new(),
            others: Vec::new(),
            unlisted: 0,
        };
        match item.map(|item| item.ty) {
            Some(ComponentEntityType::Instance(id)) => self.instance(&mut interface, id),
            Some(other) => self.item(&mut interface, &Names::default(), name, other),
            None => {}
        }
        interface
    }

    fn instance(&mut self, interface: &mut Interface, id: ComponentInstanceTypeId) {
        let Some(instance) = self.types.as_ref().get(id) else {
            return;
        };
        if self.left == 0 {
            interface.unlisted = instance.exports.len();
            return;
        }
        let mut names = Names::default();
        for (name, item) in &instance.exports {
            if let ComponentEntityType::Type {
                referenced,
                created,
            } = item.ty
            {
                names.add(name, referenced);
                names.add(name, created);
            }
        }
        for (name, item) in &instance.exports {
            self.item(interface, &names, name, item.ty);
        }
    }

    fn item(
        &mut self,
        interface: &mut Interface,
        names: &Names<'_>,
        name: &str,
        item: ComponentEntityType,
    ) {
        if matches!(item, ComponentEntityType::Type { .. }) {
            return;
        }
        let Some(left) = self.left.checked_sub(1) else {
            interface.unlisted += 1;
            return;
        };
        self.left = left;
        let other = match item {
            ComponentEntityType::Type { .. } => return,
            ComponentEntityType::Func(id) => {
                interface.functions.push(Function {
                    name: name.to_owned(),
                    signature: Signature::new(self.types.as_ref(), names).of(id),
                });
                return;
            }
            ComponentEntityType::Module(_) => "module",
            ComponentEntityType::Value(_) => "value",
            ComponentEntityType::Instance(_) => "instance",
            ComponentEntityType::Component(_) => "component",
        };
        interface.others.push(format!("{other} {name}"));
    }
}

/// What an interface calls its types.
#[derive(Default)]
struct Names<'a> {
    types: HashMap<ComponentDefinedTypeId, &'a str>,
    resources: HashMap<ResourceId, &'a str>,
}

impl<'a> Names<'a> {
    fn add(&mut self, name: &'a str, id: ComponentAnyTypeId) {
        match id {
            ComponentAnyTypeId::Defined(id) => {
                self.types.insert(id, name);
            }
            ComponentAnyTypeId::Resource(id) => {
                self.resources.insert(id.resource(), name);
            }
            _ => {}
        }
    }
}

/// A signature being written.
struct Signature<'a> {
    types: TypesRef<'a>,
    names: &'a Names<'a>,
    text: String,
}

impl<'a> Signature<'a> {
    fn new(types: TypesRef<'a>, names: &'a Names<'a>) -> Self {
        Self {
            types,
            names,
            text: String::new(),
        }
    }

    fn of(mut self, id: ComponentFuncTypeId) -> String {
        let Some(function) = self.types.get(id) else {
            return self.text;
        };
        self.write(if function.async_ {
            "async func("
        } else {
            "func("
        });
        for (index, (name, value)) in function.params.iter().enumerate() {
            if index > 0 {
                self.write(", ");
            }
            self.write(name.as_str());
            self.write(": ");
            self.value(*value);
        }
        self.write(")");
        if let Some(result) = function.result {
            self.write(" -> ");
            self.value(result);
        }
        if self.is_full() {
            let end = self.text.floor_char_boundary(SIGNATURE_BYTES);
            self.text.truncate(end);
            self.text.push('…');
        }
        self.text
    }

    fn is_full(&self) -> bool {
        self.text.len() > SIGNATURE_BYTES
    }

    fn write(&mut self, text: &str) {
        if !self.is_full() {
            self.text.push_str(text);
        }
    }

    fn value(&mut self, value: ComponentValType) {
        // Each level writes something, so that this ends the nesting too.
        if self.is_full() {
            return;
        }
        let id = match value {
            ComponentValType::Primitive(primitive) => {
                self.write(&primitive.to_string());
                return;
            }
            ComponentValType::Type(id) => id,
        };
        if let Some(name) = self.names.types.get(&id) {
            self.write(name);
            return;
        }
        let Some(defined) = self.types.get(id) else {
            return;
        };
        use ComponentDefinedType as Type;
        match defined {
            Type::Primitive(primitive) => self.write(&primitive.to_string()),
            Type::List { element, .. } => self.of_some("list", &[Some(*element)]),
            Type::FixedLengthList {
                element, length, ..
            } => self.of_some(&format!("list{length}"), &[Some(*element)]),
            Type::Map { key, value, .. } => self.of_some("map", &[Some(*key), Some(*value)]),
            Type::Option { ty, .. } => self.of_some("option", &[Some(*ty)]),
            Type::Result { ok, err, .. } => self.of_some("result", &[*ok, *err]),
            Type::Future { ty, .. } => self.of_some("future", &[*ty]),
            Type::Stream { ty, .. } => self.of_some("stream", &[*ty]),
            Type::Tuple(tuple) => {
                self.write("tuple<");
                for (index, value) in tuple.types.iter().enumerate() {
                    if index > 0 {
                        self.write(", ");
                    }
                    self.value(*value);
                }
                self.write(">");
            }
            Type::Own(id) => self.handle("", *id),
            Type::Borrow(id) => self.handle("borrow", *id),
            // Without a name, since WIT gives them one always.
            Type::Record(_) => self.write("record"),
            Type::Variant(_) => self.write("variant"),
            Type::Flags(_) => self.write("flags"),
            Type::Enum(_) => self.write("enum"),
        }
    }

    /// `list<u8>`, `result<_, failure>`.
    fn of_some(&mut self, outer: &str, inner: &[Option<ComponentValType>]) {
        self.write(outer);
        let Some(last) = inner.iter().rposition(Option::is_some) else {
            return;
        };
        self.write("<");
        for (index, value) in inner.iter().take(last + 1).enumerate() {
            if index > 0 {
                self.write(", ");
            }
            match value {
                Some(value) => self.value(*value),
                None => self.write("_"),
            }
        }
        self.write(">");
    }

    fn handle(&mut self, kind: &str, id: AliasableResourceId) {
        let names = self.names;
        let name = names.resources.get(&id.resource()).copied();
        let name = name.unwrap_or("resource");
        if kind.is_empty() {
            self.write(name);
        } else {
            self.write(&format!("{kind}<{name}>"));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::inspection::Inspection;

    fn inspected(wat: &str) -> Inspection {
        Inspection::of_bytes(&wat::parse_str(wat).unwrap()).unwrap()
    }

    #[test]
    fn functions_are_shown_with_the_names_of_their_types() {
        let inspection = inspected(
            r#"(component
                (import "a:b/c@0.1.0" (instance
                    (type $r (record (field "x" u32)))
                    (export "request" (type $request (eq $r)))
                    (export "thing" (type $thing (sub resource)))
                    (type $bytes (list u8))
                    (type $answer (result (error $request)))
                    (export "send" (func (param "request" $request) (param "body" $bytes)
                        (result $answer)))
                    (type $borrowed (borrow $thing))
                    (export "[method]thing.look" (func (param "self" $borrowed)))))
                (import "alone" (func (param "n" u8) (result string))))"#,
        );
        let shown: Vec<String> = inspection
            .imported
            .iter()
            .flat_map(|interface| &interface.functions)
            .map(|function| format!("{}: {}", function.name, function.signature))
            .collect();
        assert_eq!(
            shown,
            [
                "send: func(request: request, body: list<u8>) -> result<_, request>",
                "[method]thing.look: func(self: borrow<thing>)",
                "alone: func(n: u8) -> string",
            ]
        );
    }

    #[test]
    fn a_small_file_with_very_many_functions_stays_small() {
        let functions: String = (0..900)
            .map(|number| format!("(export \"f-{number}\" (func))"))
            .collect();
        let imports: String = (0..50)
            .map(|number| format!("(import \"i-{number}\" (instance (type $t)))"))
            .collect();
        let nested: String = (1..16)
            .map(|n| format!("(type $t{n} (tuple $t{0} $t{0}))", n - 1))
            .collect();
        let inspection = inspected(&format!(
            "(component (type $t (instance {functions})) {imports})"
        ));
        let imported = &inspection.imported;
        let listed: usize = imported.iter().map(|each| each.functions.len()).sum();
        let unlisted: usize = imported.iter().map(|each| each.unlisted).sum();
        assert_eq!((listed, listed + unlisted), (1_000, 45_000));

        let deep = inspected(&format!(
            "(component (type $t0 (tuple u8 u8)) {nested} (import \"f\" (func (param \"a\" $t15))))"
        ));
        let signature = &deep.imported[0].functions[0].signature;
        assert!(
            signature.len() < 600 && signature.ends_with('…'),
            "{signature}"
        );
    }
}
