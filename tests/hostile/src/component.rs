//! The exports. Each function first does its harm, then tells its lie, and if there is
//! neither, does what it was asked.

#![allow(unsafe_code, reason = "what wit-bindgen generates for the exports")]

use crate::contract::{
    Account, AccountStatus, CheckReport, Deletion, Draft, Edits, Effect, Failure, FailureKind,
    Outcome, Page, PageQuery, SettingValue, Value, accounts, manifest,
};
use crate::{Attack, harm, lies, request};

struct Component;

crate::contract::export!(Component);

impl manifest::Guest for Component {
    fn describe() -> manifest::Manifest {
        let attack = Attack::in_describe();
        harm::act(&attack, "");
        crate::manifest::claimed(&attack)
    }
}

pub(crate) struct Connection {
    base: String,
    attack: Attack,
}

impl accounts::Guest for Component {
    type Connection = Connection;
}

impl Connection {
    fn act(&self, place: &str) -> &str {
        let what = self.attack.at(place);
        harm::act(what, &self.base);
        what
    }

    fn outcome(account: Account) -> Outcome {
        Outcome {
            account,
            effect: Effect::Updated,
            notices: vec![],
        }
    }
}

impl accounts::GuestConnection for Connection {
    fn open(
        settings: Vec<SettingValue>,
        _learned: Option<String>,
    ) -> Result<accounts::Connection, Failure> {
        let value = |name: &str| {
            settings
                .iter()
                .find(|setting| setting.name == name)
                .map(|setting| setting.value.clone())
                .unwrap_or_default()
        };
        let connection = Self {
            base: value("instance-url"),
            attack: Attack(value("attack")),
        };
        match connection.act("open") {
            "send" => {
                let sent = request::run(&format!("GET {}/Users", connection.base));
                let said = match sent {
                    Ok(_) => "it was sent".to_owned(),
                    Err(failure) => failure.message,
                };
                return Err(lies::failure(FailureKind::InvalidSettings, &said));
            }
            "hoard" => {
                let hoard = |_| {
                    accounts::Connection::new(Self {
                        base: String::new(),
                        attack: Attack::default(),
                    })
                };
                let held: Vec<accounts::Connection> = (0..100_000).map(hoard).collect();
                let said = format!("{} handles are held", held.len());
                return Err(lies::failure(FailureKind::InvalidSettings, &said));
            }
            _ => {}
        }
        Ok(accounts::Connection::new(connection))
    }

    fn learned(&self) -> Option<String> {
        match self.act("learned") {
            "megabytes" => Some("x".repeat(5 << 20)),
            "control" => Some("\u{1b}]0;owned\u{7}".to_owned()),
            "send" => {
                let write = format!("POST {}/in-learned\nbody 1", self.base);
                let said = match request::run(&write) {
                    Ok(_) => "it was sent".to_owned(),
                    Err(failure) => failure.code.unwrap_or_default(),
                };
                Some(said)
            }
            _ => None,
        }
    }

    fn reach(&self) -> Vec<String> {
        match self.act("reach") {
            "wider" => vec![self.base.split('/').take(3).collect::<Vec<_>>().join("/")],
            "elsewhere" => vec!["https://evil.example/scim".to_owned()],
            "million" => vec![self.base.clone(); 100_000],
            "nothing" => vec![],
            _ => vec![self.base.clone()],
        }
    }

    fn check(&self) -> Result<CheckReport, Failure> {
        self.act("check");
        request::run(&format!("GET {}/check", self.base))?;
        Ok(CheckReport {
            upstream: None,
            writable: None,
            notices: vec![],
        })
    }

    fn list(&self, query: PageQuery) -> Result<Page, Failure> {
        Ok(lies::page(self.act("list"), &query))
    }

    fn get(&self, id: String) -> Result<Account, Failure> {
        match self.act("get") {
            "" => request::run(&id),
            "call-storm" => request::run(&format!("GET {}/storm", self.base)),
            // As a careless author writes it.
            "careless" => request::run(&format!("GET {}/Users/{id}", self.base)),
            lie => lies::account(lie),
        }
    }

    fn find(&self, name: String, value: Value) -> Result<Option<Account>, Failure> {
        self.act("find");
        match value {
            Value::Text(text) => request::run(&text).map(Some),
            _ => Err(lies::failure(FailureKind::Unsupported, &name)),
        }
    }

    fn create(&self, draft: Draft) -> Result<Outcome, Failure> {
        self.act("create");
        let said = draft.attributes.into_iter().flat_map(|a| a.values).next();
        match said {
            Some(Value::Text(text)) => {
                let outcome = request::run(&text).map(Self::outcome);
                self.act("create-after-sending");
                outcome
            }
            _ => Ok(Self::outcome(Account {
                id: "made".to_owned(),
                status: AccountStatus::Active,
                attributes: vec![],
                version: None,
            })),
        }
    }

    fn update(&self, id: String, _edits: Edits) -> Result<Outcome, Failure> {
        let what = self.act("update");
        let mut outcome = Self::outcome(request::run(&id)?);
        if what == "escapes" {
            outcome.notices = lies::notices();
        }
        Ok(outcome)
    }

    fn delete(&self, id: String) -> Result<Deletion, Failure> {
        self.act("delete");
        request::run(&id).map(|_| Deletion::Gone)
    }
}
