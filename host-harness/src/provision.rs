//! Provisioning over any connector: whatever is needed so that a person has an account, or
//! has none they can use. Idempotent, and safe to repeat after a crash, because each step
//! is decided by what was just read.
//!
//! A name is not a person: the user name of someone who left may be wanted by a namesake
//! who joins. Where both sides carry an identity key and it differs, it is somebody else's
//! account, and it is not touched.

use crate::attributes::{same, spec, values};
use crate::connection::Connection;
use crate::contract::{
    self, Account, AccountStatus, Attribute, Change, Draft, Edits, Effect, FailureKind, Manifest,
    Mutability, Notice, Outcome, RetryAdvice, Value,
};
use crate::failure::Failure;

/// How a person's account is found and told apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matching {
    /// The lookup key to search by; `None` takes the first of the manifest's that the
    /// person has.
    pub key: Option<String>,
    /// The attribute that says who the person is; `None` takes the manifest's.
    pub identity_key: Option<String>,
}

/// Gives a person an account as wanted: creates, updates or reactivates whatever is
/// needed. One read where nothing is.
///
/// Attributes that `wanted` does not name stay as they are.
///
/// # Errors
///
/// Those of `find`, `create` and `update`; `ambiguous` where the account with the person's
/// name is somebody else's, or where name and identity key lead to two accounts.
pub async fn provision(
    connection: &Connection,
    wanted: &Draft,
    matching: &Matching,
) -> Result<Outcome, Failure> {
    let person = Person::new(connection.manifest(), &wanted.attributes, matching)?;
    let located = person.locate(connection).await?;
    let mut outcome = match located.found {
        Some(found) => bring_up(connection, wanted, found).await?,
        None => create(connection, wanted, &person).await?,
    };
    if located.identity_unchecked {
        outcome.notices.push(Notice {
            code: "identity-not-checked".to_owned(),
            attribute: person.identity.map(|identity| identity.name.clone()),
            message: "The upstream could not be asked who has this person's identity key: if they \
                      had an account under another name, there are two now."
                .to_owned(),
        });
    }
    Ok(outcome)
}

async fn create(
    connection: &Connection,
    wanted: &Draft,
    person: &Person<'_>,
) -> Result<Outcome, Failure> {
    match connection.create(wanted).await {
        // Made in the meantime, or by a run that did not get to see its answer.
        Err(Failure::Connector(failed)) if failed.kind == FailureKind::AlreadyExists => {
            let Some(id) = failed.account.as_deref() else {
                return Err(Failure::Connector(failed));
            };
            let account = connection.get(id).await?;
            let (confirmed, _) = person.recognise(connection, &account).await?;
            bring_up(connection, wanted, Found { account, confirmed }).await
        }
        done => done,
    }
}

/// Takes a person's account out of use: deactivates it if it is there and active. `None`
/// where there is none.
///
/// # Errors
///
/// Those of `find` and `update`; `ambiguous` as for [`provision`].
pub async fn deprovision(
    connection: &Connection,
    person: &[Attribute],
    matching: &Matching,
) -> Result<Option<Outcome>, Failure> {
    let person = Person::new(connection.manifest(), person, matching)?;
    let Some(Found { account, .. }) = person.locate(connection).await?.found else {
        return Ok(None);
    };
    if account.status == AccountStatus::Inactive {
        return Ok(Some(Outcome {
            account,
            effect: Effect::Unchanged,
            notices: Vec::new(),
        }));
    }
    let edits = Edits {
        status: Some(AccountStatus::Inactive),
        changes: Vec::new(),
        expected_version: None,
    };
    connection.update(&account.id, &edits).await.map(Some)
}

/// What came of looking for a person's account.
struct Located {
    found: Option<Found>,
    /// The upstream offers no way to look for the identity key.
    identity_unchecked: bool,
}

/// An account, and whether the identity key says that it is the person's.
struct Found {
    account: Account,
    confirmed: bool,
}

/// What is known of a person.
struct Person<'a> {
    manifest: &'a Manifest,
    key: &'a Attribute,
    identity: Option<&'a Attribute>,
}

impl<'a> Person<'a> {
    fn new(
        manifest: &'a Manifest,
        attributes: &'a [Attribute],
        matching: &Matching,
    ) -> Result<Self, Failure> {
        let given = |name: &str| attributes.iter().find(|attribute| attribute.name == name);
        let keys = &manifest.lookup_keys;
        let key = match &matching.key {
            Some(key) if !keys.contains(key) => {
                return Err(refuse(
                    FailureKind::Unsupported,
                    format!(
                        "{} accounts are found by {}, not by {key}.",
                        manifest.title,
                        keys.join(" or ")
                    ),
                ));
            }
            Some(key) => given(key),
            None => keys.iter().find_map(|key| given(key)),
        };
        let key = key.ok_or_else(|| {
            refuse(
                FailureKind::InvalidAccount,
                format!(
                    "To find the person's account, {} is needed.",
                    matching.key.clone().unwrap_or_else(|| keys.join(" or "))
                ),
            )
        })?;
        let identity = matching
            .identity_key
            .as_ref()
            .or(manifest.identity_key.as_ref());
        Ok(Self {
            manifest,
            key,
            identity: identity.and_then(|identity| given(identity)),
        })
    }

    /// The person's account: by name, and where nobody has the name, by identity, since
    /// names change.
    async fn locate(&self, connection: &Connection) -> Result<Located, Failure> {
        if let Some(account) = find(connection, self.key).await? {
            let (confirmed, identity_unchecked) = self.recognise(connection, &account).await?;
            return Ok(Located {
                found: Some(Found { account, confirmed }),
                identity_unchecked,
            });
        }
        let (found, identity_unchecked) = self.by_identity(connection).await?;
        Ok(Located {
            found: found.map(|account| Found {
                account,
                confirmed: true,
            }),
            identity_unchecked,
        })
    }

    /// Whether an account that has the person's name is known to be theirs; a failure
    /// where it is known to be somebody else's. And whether that could not be asked.
    async fn recognise(
        &self,
        connection: &Connection,
        account: &Account,
    ) -> Result<(bool, bool), Failure> {
        let Some(identity) = self.identity else {
            return Ok((false, false));
        };
        let held = values(account, &identity.name);
        let is_same = spec(self.manifest, &identity.name)
            .is_some_and(|spec| same(spec, held, &identity.values));
        if is_same && !held.is_empty() {
            return Ok((true, false));
        }
        if !held.is_empty() {
            return Err(ambiguous(
                &account.id,
                format!(
                    "The account with this {} belongs to somebody else: its {} differs. Nothing \
                     was changed. If it is the same person, correct the {} on one side; if not, \
                     give this person another {}.",
                    self.key.name, identity.name, identity.name, self.key.name
                ),
            ));
        }
        // The account says nothing of who it is; then nobody else's may say it.
        match self.by_identity(connection).await? {
            (Some(other), _) if other.id != account.id => Err(ambiguous(
                &other.id,
                format!(
                    "One account has this person's {} and another their {}. Nothing was changed. \
                     Find out which of the two is theirs.",
                    self.key.name, identity.name
                ),
            )),
            (_, unchecked) => Ok((false, unchecked)),
        }
    }

    /// The account with the person's identity key; and whether there was a key to look for
    /// and no way to.
    async fn by_identity(
        &self,
        connection: &Connection,
    ) -> Result<(Option<Account>, bool), Failure> {
        let Some(identity) = self.identity else {
            return Ok((None, false));
        };
        if identity.name == self.key.name {
            return Ok((None, false));
        }
        if !self.manifest.lookup_keys.contains(&identity.name) {
            return Ok((None, true));
        }
        match find(connection, identity).await {
            Err(Failure::Connector(failed)) if failed.kind == FailureKind::Unsupported => {
                Ok((None, true))
            }
            found => Ok((found?, false)),
        }
    }
}

async fn find(connection: &Connection, key: &Attribute) -> Result<Option<Account>, Failure> {
    match key.values.as_slice() {
        [value] => connection.find(&key.name, value).await,
        _ => Ok(None),
    }
}

/// Changes what differs between an account and what is wanted of it.
async fn bring_up(
    connection: &Connection,
    wanted: &Draft,
    found: Found,
) -> Result<Outcome, Failure> {
    let Found { account, confirmed } = found;
    let manifest = connection.manifest();
    let mut notices = Vec::new();
    if !confirmed && account.status == AccountStatus::Inactive {
        notices.push(Notice {
            code: "matched-by-name-only".to_owned(),
            attribute: None,
            message: "The account was inactive and was found by its name alone: make sure that \
                      it did not belong to a namesake."
                .to_owned(),
        });
    }
    let changes = differences(manifest, wanted, &account, &mut notices);
    let mut outcome = if changes.is_empty() && account.status == wanted.status {
        Outcome {
            account,
            effect: Effect::Unchanged,
            notices: Vec::new(),
        }
    } else {
        let edits = Edits {
            status: Some(wanted.status),
            changes: everything(manifest, wanted, changes),
            expected_version: None,
        };
        connection.update(&account.id, &edits).await?
    };
    outcome.notices.splice(0..0, notices);
    Ok(outcome)
}

/// What differs, and whatever else is wanted: the account may have been found in a state that
/// was out of date. The connector sends what is not so yet.
fn everything(manifest: &Manifest, wanted: &Draft, mut changes: Vec<Change>) -> Vec<Change> {
    for attribute in &wanted.attributes {
        let is_writable = spec(manifest, &attribute.name)
            .is_some_and(|spec| spec.mutability == Mutability::ReadWrite);
        let change = Change::Set(attribute.clone());
        if is_writable && !changes.contains(&change) {
            changes.push(change);
        }
    }
    changes
}

fn differences(
    manifest: &Manifest,
    wanted: &Draft,
    account: &Account,
    notices: &mut Vec<Notice>,
) -> Vec<Change> {
    let mut changes = Vec::new();
    for attribute in &wanted.attributes {
        let Some(spec) = spec(manifest, &attribute.name) else {
            continue;
        };
        let held: &[Value] = values(account, &attribute.name);
        match spec.mutability {
            Mutability::ReadOnly | Mutability::WriteOnly => {}
            _ if same(spec, held, &attribute.values) => {}
            Mutability::SetOnce if !held.is_empty() => notices.push(Notice {
                code: "set-once-differs".to_owned(),
                attribute: Some(attribute.name.clone()),
                message: format!(
                    "{} is another one, and {} does not let it change once it is set; it was left \
                     as it is.",
                    spec.title, manifest.title
                ),
            }),
            Mutability::SetOnce | Mutability::ReadWrite => {
                changes.push(Change::Set(attribute.clone()));
            }
        }
    }
    changes
}

fn refuse(kind: FailureKind, message: String) -> Failure {
    Failure::Connector(Box::new(contract::Failure {
        kind,
        code: None,
        message,
        problems: Vec::new(),
        retry: RetryAdvice::AfterRepair,
        account: None,
        upstream: None,
    }))
}

fn ambiguous(id: &str, message: String) -> Failure {
    Failure::Connector(Box::new(contract::Failure {
        kind: FailureKind::Ambiguous,
        code: Some("somebody-else".to_owned()),
        message,
        problems: Vec::new(),
        retry: RetryAdvice::AfterRepair,
        account: Some(id.to_owned()),
        upstream: None,
    }))
}
