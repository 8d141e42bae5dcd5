//! What an expression speaks of, found by walking it.

use std::collections::BTreeSet;

use cel::IdedExpr;
use cel::common::ast::{EntryExpr, Expr, LiteralValue};

/// What was found.
pub(super) struct References {
    /// Whose members are columns.
    variable: &'static str,
    /// Members of the variable that are named.
    pub(super) members: BTreeSet<String>,
    /// Those of them that it asks whether they are there.
    pub(super) asked: BTreeSet<String>,
    /// Variables that no loop declares.
    pub(super) variables: BTreeSet<String>,
    pub(super) functions: BTreeSet<String>,
    /// Whether the variable stands where none of its members is named.
    pub(super) is_whole: bool,
    pub(super) is_constant: bool,
    /// How deep loops stand in loops.
    pub(super) depth: usize,
    loops: Vec<String>,
    within: usize,
}

impl References {
    pub(super) fn new(variable: &'static str) -> Self {
        Self {
            variable,
            members: BTreeSet::new(),
            asked: BTreeSet::new(),
            variables: BTreeSet::new(),
            functions: BTreeSet::new(),
            is_whole: false,
            is_constant: true,
            depth: 0,
            loops: Vec::new(),
            within: 0,
        }
    }

    pub(super) fn walk(&mut self, node: &IdedExpr) {
        match &node.expr {
            Expr::Unspecified | Expr::Literal(_) => {}
            Expr::Ident(name) => self.variable(name),
            Expr::Select(select) => {
                if self.is_ours(&select.operand) {
                    self.member(&select.field);
                    if select.test {
                        self.asked.insert(select.field.clone());
                    }
                } else {
                    self.walk(&select.operand);
                }
            }
            Expr::Call(call) => {
                self.functions.insert(call.func_name.clone());
                if let ("_[_]", [of, index]) = (call.func_name.as_str(), call.args.as_slice())
                    && self.is_ours(of)
                    && let Expr::Literal(LiteralValue::String(name)) = &index.expr
                {
                    self.member(name.inner());
                    return;
                }
                call.target.iter().for_each(|target| self.walk(target));
                call.args.iter().for_each(|argument| self.walk(argument));
            }
            Expr::List(list) => list.elements.iter().for_each(|item| self.walk(item)),
            Expr::Map(map) => map.entries.iter().for_each(|item| self.entry(&item.expr)),
            Expr::Struct(made) => made.entries.iter().for_each(|item| self.entry(&item.expr)),
            Expr::Comprehension(each) => {
                self.walk(&each.iter_range);
                self.walk(&each.accu_init);
                let declared = self.loops.len();
                self.loops.push(each.iter_var.clone());
                self.loops.extend(each.iter_var2.clone());
                self.loops.push(each.accu_var.clone());
                self.within += 1;
                self.depth = self.depth.max(self.within);
                self.walk(&each.loop_cond);
                self.walk(&each.loop_step);
                self.within -= 1;
                self.walk(&each.result);
                self.loops.truncate(declared);
            }
        }
    }

    fn entry(&mut self, entry: &EntryExpr) {
        match entry {
            EntryExpr::StructField(field) => self.walk(&field.value),
            EntryExpr::MapEntry(entry) => {
                self.walk(&entry.key);
                self.walk(&entry.value);
            }
        }
    }

    fn is_ours(&self, node: &IdedExpr) -> bool {
        matches!(&node.expr, Expr::Ident(name) if name == self.variable && !self.is_declared(name))
    }

    fn is_declared(&self, name: &str) -> bool {
        name.starts_with('@') || self.loops.iter().any(|declared| declared == name)
    }

    fn variable(&mut self, name: &str) {
        if self.is_declared(name) {
            return;
        }
        self.is_constant = false;
        self.is_whole |= name == self.variable;
        self.variables.insert(name.to_owned());
    }

    fn member(&mut self, name: &str) {
        self.is_constant = false;
        self.members.insert(name.to_owned());
    }
}
