//! Makes the plan: finds whose account is which, decides for each person, and settles between
//! them. Reads only what was read already.

use std::collections::{BTreeSet, HashMap};

use super::decide::{Found, Holder, How, by_name, decide, seen, sure};
use super::document::{Action, Counts, Entry, NoticeGroup, Plan, PlanNotice, VERSION};
use super::order::settle;
use crate::attributes::values;
use crate::contract::{Account, Manifest};
use crate::sync::error::SyncError;
use crate::sync::guard::{Allowed, Guard};
use crate::sync::journal::Journal;
use crate::sync::scratch::{Candidates, Count, Owner, Scratch};
use crate::sync::values::shown;
use crate::sync::{Policy, Tenant, Unnamed, Wish};

/// What of a plan is asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    /// These actions alone.
    pub(crate) only: Option<BTreeSet<Action>>,
    /// This person alone.
    pub(crate) person: Option<String>,
}

impl Asked {
    /// Whether it is about everybody.
    pub(crate) fn is_whole(&self) -> bool {
        self.person.is_none()
    }
}

/// Whether an account must not be touched: the rule that says so.
pub(crate) type Protects<'a> = dyn Fn(&Account) -> Result<Option<String>, String> + Sync + 'a;

/// What a plan is made of.
pub(crate) struct Making<'a> {
    pub(crate) manifest: &'a Manifest,
    pub(crate) policy: &'a Policy,
    pub(crate) protects: &'a Protects<'a>,
    pub(crate) scratch: &'a Scratch,
    pub(crate) journal: &'a Journal,
    pub(crate) tenant: &'a Tenant,
    pub(crate) asked: &'a Asked,
    pub(crate) allowed: &'a Allowed,
    /// People of whom an earlier run's write is still open, and why.
    pub(crate) doubtful: &'a HashMap<String, String>,
    /// The upstream offers no way to look for identity keys.
    pub(crate) identity_unchecked: bool,
    pub(crate) made_at: String,
    pub(crate) roster: String,
    pub(crate) rules: String,
}

/// How many people are looked at before the database is let go of.
const AT_ONCE: u32 = 500;

/// Makes the plan.
pub(crate) fn make(making: &Making<'_>) -> Result<Plan, SyncError> {
    let doubts = making.match_people()?;
    let mut plan = Plan {
        version: VERSION,
        tenant: making.tenant.label().to_owned(),
        tenant_digest: making.tenant.digest().to_owned(),
        made_at: making.made_at.clone(),
        roster: making.roster.clone(),
        rules: making.rules.clone(),
        counts: Counts::default(),
        notices: Vec::new(),
        entries: Vec::new(),
    };
    let mut nothing = 0;
    making.each_wish(|wish| {
        if making
            .asked
            .person
            .as_ref()
            .is_some_and(|asked| *asked != wish.key)
        {
            return Ok(());
        }
        let entry = match doubts.get(&wish.key).or(making.doubtful.get(&wish.key)) {
            Some(doubt) => conflict(wish, doubt.clone()),
            None => making.decided(wish)?,
        };
        if entry.action == Action::Nothing {
            nothing += 1;
            for notice in &entry.notices {
                NoticeGroup::add(&mut plan.notices, notice, entry.who());
            }
        } else {
            plan.entries.push(entry);
        }
        Ok(())
    })?;
    for bad in making.scratch.bad_rows()? {
        if making.asked.person.is_none() || making.asked.person == bad.key {
            plan.entries.push(unreadable(bad));
        }
    }
    making.unnamed(&mut plan)?;
    if let Some(only) = &making.asked.only {
        for entry in &mut plan.entries {
            if entry.action.writes() && !only.contains(&entry.action) {
                let reason = format!("`{}` was not asked for.", entry.action.name());
                entry.becomes(Action::Skipped, reason);
            }
        }
    }
    settle(
        &mut plan.entries,
        &making.policy.lookup_key,
        making.manifest,
    );
    for entry in &plan.entries {
        plan.counts.add(entry.action);
    }
    plan.counts.nothing = nothing;
    plan.counts.bad_rows = making.scratch.count(Count::BadRows)?;
    plan.counts.rows = making.scratch.count(Count::Wishes)? + plan.counts.bad_rows;
    plan.counts.active_accounts = making.scratch.count(Count::Active)?;
    Ok(plan)
}

impl Making<'_> {
    fn each_wish(
        &self,
        mut each: impl FnMut(&Wish) -> Result<(), SyncError>,
    ) -> Result<(), SyncError> {
        let mut line = 0;
        loop {
            let wishes = self.scratch.wishes_after(line, AT_ONCE)?;
            let Some(last) = wishes.last() else {
                return Ok(());
            };
            line = last.line;
            for wish in &wishes {
                each(wish)?;
            }
        }
    }

    /// Notes whose account is which; of whom there is a doubt, and why. First what is beyond
    /// doubt, for everybody, and only then what rests on a name.
    fn match_people(&self) -> Result<HashMap<String, String>, SyncError> {
        let mut doubts = HashMap::new();
        let mut unknown = Vec::new();
        self.each_wish(|wish| {
            let candidates = self.scratch.candidates(wish)?;
            if let Some(key) = &wish.identity
                && self.scratch.is_several(key)?
            {
                let doubt = format!("Several accounts have this person's {}.", key.name);
                doubts.insert(wish.key.clone(), doubt);
            } else if let Some(line) = self.scratch.shares_identity(wish)? {
                let key = wish
                    .identity
                    .as_ref()
                    .map_or("identity key", |key| &key.name);
                let doubt =
                    format!("The row in line {line} has the same {key}: one person, or two?");
                doubts.insert(wish.key.clone(), doubt);
            } else {
                match sure(wish, &candidates, self.manifest) {
                    Ok(Some((account, _))) => self.scratch.claim(&wish.key, &account.id)?,
                    Ok(None) => {
                        let name = wish.lookup.as_ref();
                        let several = name.is_some_and(|name| {
                            matches!(self.scratch.is_several(name), Ok(true) | Err(_))
                        });
                        if several {
                            let doubt = "Several accounts have this person's name.".to_owned();
                            doubts.insert(wish.key.clone(), doubt);
                        } else if !candidates.by_name.is_empty() {
                            unknown.push(wish.key.clone());
                        }
                    }
                    Err(doubt) => {
                        doubts.insert(wish.key.clone(), doubt);
                    }
                }
            }
            Ok(())
        })?;
        // All of them are looked at before any has a claim: two who share a name are alike.
        let mut named = Vec::new();
        for person in unknown {
            let Some(wish) = self.scratch.wish(&person)? else {
                continue;
            };
            let candidates = self.scratch.candidates(&wish)?;
            match self.named(&wish, &candidates)? {
                Ok((Some(account), _)) => named.push((person, account.id.clone())),
                Ok((None, _)) => {}
                Err(doubt) => {
                    doubts.insert(person, doubt);
                }
            }
        }
        for (person, account) in named {
            self.scratch.claim(&person, &account)?;
        }
        Ok(doubts)
    }

    #[allow(clippy::type_complexity, reason = "a result within a result")]
    fn named<'a>(
        &self,
        wish: &Wish,
        candidates: &'a Candidates,
    ) -> Result<Result<(Option<&'a Account>, Option<Holder>), String>, SyncError> {
        let owner = match candidates.by_name.as_slice() {
            [account] => self.scratch.others_with(&account.id, &wish.key)?,
            _ => None,
        };
        let key = self.policy.identity_key.as_deref();
        Ok(by_name(wish, candidates, self.manifest, key, |_| owner))
    }

    fn decided(&self, wish: &Wish) -> Result<Entry, SyncError> {
        let candidates = self.scratch.candidates(wish)?;
        let claim = self.scratch.claim_of(&wish.key)?;
        let mut found = Found {
            gone: candidates
                .link
                .clone()
                .filter(|_| candidates.linked.is_none()),
            identity_unchecked: self.identity_unchecked,
            ..Found::default()
        };
        if let Some(id) = claim {
            if let Some(Owner::InRoster(other)) = self.scratch.others_with(&id, &wish.key)? {
                let doubt = format!(
                    "This person and {other} lead to one account, {id}. Find out whose it is."
                );
                return Ok(conflict(wish, doubt));
            }
            let how = match sure(wish, &candidates, self.manifest) {
                Ok(Some((_, how))) => how,
                _ => How::Name,
            };
            let holder = candidates.by_name.iter().find(|account| account.id != id);
            if let Some(account) = holder {
                found.holder = Some(Holder {
                    account: account.id.clone(),
                    owner: self.scratch.others_with(&account.id, &wish.key)?,
                });
            }
            found.account = self.scratch.account(&id)?.map(|account| (account, how));
            found.spellings = self.journal.spellings(&wish.key)?;
        } else {
            match self.named(wish, &candidates)? {
                Ok((_, holder)) => found.holder = holder,
                Err(doubt) => return Ok(conflict(wish, doubt)),
            }
        }
        if let Some((account, _)) = &found.account {
            match (self.protects)(account) {
                Ok(rule) => found.protected = rule,
                Err(reason) => {
                    let doubt =
                        format!("Whether the account is protected cannot be told: {reason}");
                    return Ok(conflict(wish, doubt));
                }
            }
        }
        Ok(decide(wish, &found, self.policy, self.manifest))
    }

    /// Accounts that no row names.
    fn unnamed(&self, plan: &mut Plan) -> Result<(), SyncError> {
        if self.policy.unnamed == Unnamed::Keep || !self.asked.is_whole() {
            return Ok(());
        }
        // A row that cannot be read may be the one that names it.
        let unsure = self.scratch.count(Count::BadRows)? > 0;
        let kept = unsure && !self.allowed.contains(&Guard::BadRows);
        let mut after = String::new();
        loop {
            let accounts = self.scratch.unnamed_after(&after, AT_ONCE)?;
            let Some((last, _)) = accounts.last() else {
                return Ok(());
            };
            after.clone_from(&last.id);
            for (account, person) in accounts {
                let mut entry = self.nobodys(&account, person);
                if kept {
                    let notice = PlanNotice {
                        code: "unnamed-left-alone".to_owned(),
                        attribute: None,
                        message: "No row names these accounts, and rows that cannot be read may \
                                  be theirs: they are left alone. `--allow bad-rows` deactivates \
                                  them all the same."
                            .to_owned(),
                    };
                    NoticeGroup::add(&mut plan.notices, &notice, entry.who());
                    continue;
                }
                match (self.protects)(&account) {
                    Ok(Some(rule)) => {
                        entry.becomes(Action::Skipped, format!("Protected: {rule}."));
                    }
                    Err(reason) => entry.becomes(
                        Action::Conflict,
                        format!("Whether the account is protected cannot be told: {reason}"),
                    ),
                    Ok(None) if !self.policy.switches.deactivate => {
                        let reason = "No row names it, and `deactivate` is switched off.";
                        entry.becomes(Action::Skipped, reason.to_owned());
                    }
                    Ok(None) => {
                        let open = entry.person.as_ref().and_then(|who| self.doubtful.get(who));
                        if let Some(doubt) = open {
                            entry.becomes(Action::Conflict, doubt.clone());
                        }
                    }
                }
                plan.entries.push(entry);
            }
        }
    }

    fn nobodys(&self, account: &Account, person: Option<String>) -> Entry {
        let name = shown(values(account, &self.policy.lookup_key));
        Entry {
            person,
            line: None,
            name: Some(name).filter(|name| !name.is_empty()),
            action: Action::Deactivate,
            account: Some(account.id.clone()),
            seen: Some(seen(account, self.manifest)),
            changes: Vec::new(),
            after: None,
            reason: Some("No row of the roster names it.".to_owned()),
            notices: Vec::new(),
            approved: None,
        }
    }
}

fn conflict(wish: &Wish, reason: String) -> Entry {
    let name = wish.lookup.as_ref().map(|lookup| shown(&lookup.values));
    Entry {
        person: Some(wish.key.clone()),
        line: Some(wish.line),
        name: name.filter(|name| !name.is_empty()),
        action: Action::Conflict,
        account: None,
        seen: None,
        changes: Vec::new(),
        after: None,
        reason: Some(reason),
        notices: Vec::new(),
        approved: None,
    }
}

fn unreadable(bad: crate::sync::BadRow) -> Entry {
    Entry {
        person: bad.key,
        line: Some(bad.line),
        name: None,
        action: Action::Conflict,
        account: None,
        seen: None,
        changes: Vec::new(),
        after: None,
        reason: Some(format!("The row cannot be read: {}", bad.reason)),
        notices: Vec::new(),
        approved: None,
    }
}
