//! From a row to what the rules want of that person; from an account to whether it is protected.

use std::collections::HashMap;

use cel::Value as Cel;
use jiff::civil::Date;

use super::checked::{Rules, about};
use super::parts::{Placed, Provision};
use crate::attributes::{self, Pair, same, spec, values};
use crate::contract::{Account, Attribute, Value};
use crate::json;
use crate::sync::expression::{About, Subject};
use crate::sync::{BadRow, Row, Standing, Wish};

impl Rules {
    /// What the rules want of a person on a day.
    ///
    /// # Errors
    ///
    /// That cannot be told: an expression fails, or gives what cannot be stored.
    pub fn wish(&self, row: &Row, today: Date) -> Result<Wish, BadRow> {
        let subject = Subject::new(About::Person, row.members.clone(), today);
        let bad = |key: Option<&str>, reason: String| BadRow {
            line: row.line,
            key: key.map(str::to_owned),
            reason,
        };
        let key = self
            .text(&self.key, "the key", &subject)
            .map_err(|reason| bad(None, reason))?;
        let Some(key) = key else {
            let reason = "the key is empty: who is it about?".to_owned();
            return Err(bad(None, reason));
        };
        self.rest(&key, row.line, &subject, today)
            .map_err(|reason| bad(Some(&key), reason))
    }

    fn rest(&self, key: &str, line: u64, subject: &Subject, today: Date) -> Result<Wish, String> {
        let standing = self.standing(subject, today)?;
        let wanted = matches!(standing, Standing::Wanted { .. });
        let (attributes, cleared) = if wanted {
            self.attributes(subject)?
        } else {
            (Vec::new(), Vec::new())
        };
        let lookup = match &self.lookup {
            Some(placed) => self.key_attribute(&self.policy.lookup_key, placed, subject)?,
            None => self.key_of(&self.policy.lookup_key, &attributes, wanted, subject)?,
        };
        if wanted && lookup.is_none() {
            return Err(format!(
                "{} is empty: by what is the account to be found?",
                self.policy.lookup_key
            ));
        }
        let identity = match &self.policy.identity_key {
            Some(name) => self.key_of(name, &attributes, wanted, subject)?,
            None => None,
        };
        let mut protected = None;
        for placed in &self.protect.people {
            let holds = placed.expression.holds(subject);
            if holds.map_err(|error| self.place(placed, "[protect] people", &error))? {
                protected = Some(format!("people, line {} of the rules", placed.line));
                break;
            }
        }
        Ok(Wish {
            key: key.to_owned(),
            line,
            standing,
            lookup,
            identity,
            attributes,
            cleared,
            protected,
        })
    }

    fn standing(&self, subject: &Subject, today: Date) -> Result<Standing, String> {
        let date = |placed: &Option<Placed>, what: &str| match placed {
            None => Ok(None),
            Some(placed) => {
                let date = placed.expression.date(subject);
                date.map_err(|error| self.place(placed, what, &error))
            }
        };
        // Each is evaluated whatever the others say: unknown is not "no".
        let role = self.role(subject)?;
        let start = date(&self.dates.start, "start")?;
        let end = date(&self.dates.end, "end")?;
        let disabled = match &self.dates.disabled {
            None => false,
            Some(placed) => {
                let holds = placed.expression.holds(subject);
                holds.map_err(|error| self.place(placed, "disabled", &error))?
            }
        };
        if let (Some(start), Some(end)) = (start, end)
            && end < start
        {
            return Err(format!("the end, {end}, is before the start, {start}"));
        }
        let no_longer = |reason: String| Ok(Standing::NoLonger { reason });
        if let Some(end) = end.filter(|end| *end < today) {
            return no_longer(format!("the last day was {end}"));
        }
        if disabled {
            return no_longer("disabled in the roster".to_owned());
        }
        let Some(role) = role else {
            return no_longer("no role applies".to_owned());
        };
        Ok(match start.filter(|start| *start > today) {
            Some(from) => Standing::NotYet { from },
            None => Standing::Wanted { role },
        })
    }

    /// The role that gives the person an account: the outer `None` where none does.
    fn role(&self, subject: &Subject) -> Result<Option<Option<String>>, String> {
        let Provision::Roles(roles) = &self.provision else {
            return Ok(Some(None));
        };
        let mut first = None;
        for (name, placed) in roles {
            let holds = placed.expression.holds(subject);
            let what = format!("the role {name}");
            if holds.map_err(|error| self.place(placed, &what, &error))? && first.is_none() {
                first = Some(name.clone());
            }
        }
        Ok(first.map(Some))
    }

    fn attributes(&self, subject: &Subject) -> Result<(Vec<Attribute>, Vec<String>), String> {
        let mut pairs: Vec<Pair> = Vec::new();
        let mut cleared = Vec::new();
        for target in &self.targets {
            let texts = target.value.expression.texts(subject);
            let texts = texts.map_err(|error| self.place(&target.value, &target.name, &error))?;
            if texts.is_empty() {
                cleared.push(target.name.clone());
            }
            pairs.extend(texts.into_iter().map(|text| (target.name.clone(), text)));
        }
        let draft = attributes::draft(&self.manifest, &pairs);
        let draft = draft.map_err(|failure| failure.message())?;
        Ok((draft.attributes, cleared))
    }

    /// A key, as `[attributes]` has it, also of somebody who gets no attributes.
    fn key_of(
        &self,
        name: &str,
        attributes: &[Attribute],
        wanted: bool,
        subject: &Subject,
    ) -> Result<Option<Attribute>, String> {
        if wanted {
            let found = attributes.iter().find(|attribute| attribute.name == name);
            return Ok(found.cloned());
        }
        match self.targets.iter().find(|target| target.name == name) {
            Some(target) => self.key_attribute(name, &target.value, subject),
            None => Ok(None),
        }
    }

    fn key_attribute(
        &self,
        name: &str,
        placed: &Placed,
        subject: &Subject,
    ) -> Result<Option<Attribute>, String> {
        match self.text(placed, name, subject)? {
            None => Ok(None),
            Some(text) => attributes::lookup(&self.manifest, &(name.to_owned(), text))
                .map(Some)
                .map_err(|failure| failure.message()),
        }
    }

    fn text(
        &self,
        placed: &Placed,
        what: &str,
        subject: &Subject,
    ) -> Result<Option<String>, String> {
        let text = placed.expression.text(subject);
        text.map_err(|error| self.place(placed, what, &error))
    }

    fn place(&self, placed: &Placed, what: &str, error: &str) -> String {
        about(placed, what, &self.name, error)
    }

    /// The rule that protects an account, if one does.
    ///
    /// # Errors
    ///
    /// That cannot be told; then nothing may be done to it.
    pub fn protects(&self, account: &Account, today: Date) -> Result<Option<String>, String> {
        for (name, protected) in &self.protect.accounts {
            let holds = protected.iter().any(|value| match (name.as_str(), value) {
                ("id", Value::Text(id)) => *id == account.id,
                _ => spec(&self.manifest, name).is_some_and(|spec| {
                    let held = values(account, name);
                    held.iter().any(|one| {
                        same(spec, std::slice::from_ref(one), std::slice::from_ref(value))
                    })
                }),
            });
            if holds {
                return Ok(Some(format!("accounts by {name}")));
            }
        }
        if self.protect.when.is_empty() {
            return Ok(None);
        }
        let subject = Subject::new(About::Account, self.members(account), today);
        for placed in &self.protect.when {
            let holds = placed.expression.holds(&subject);
            if holds.map_err(|error| self.place(placed, "[protect] when", &error))? {
                return Ok(Some(format!("when, line {} of the rules", placed.line)));
            }
        }
        Ok(None)
    }

    /// An account as expressions see it: what it lacks is blank.
    fn members(&self, account: &Account) -> HashMap<String, Cel> {
        let mut members = HashMap::new();
        members.insert("id".to_owned(), account.id.as_str().into());
        members.insert("status".to_owned(), json::status(account.status).into());
        for spec in &self.manifest.attributes {
            let mut held = values(account, &spec.name).iter().map(cel);
            let value = if spec.multi_valued {
                held.collect::<Vec<_>>().into()
            } else {
                held.next().unwrap_or_else(|| "".into())
            };
            members.insert(spec.name.clone(), value);
        }
        members
    }
}

fn cel(value: &Value) -> Cel {
    match value {
        Value::Text(text) => text.as_str().into(),
        Value::Boolean(flag) => Cel::Bool(*flag),
        Value::Integer(number) => Cel::Int(*number),
    }
}
