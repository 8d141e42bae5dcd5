//! The unknowns of 8x8's service, one switch each (docs/8x8.md §2, §3 and §4).
//!
//! Nothing says how 8x8 answers in these cases, so the connector must be right in all of them.
//! With no switch on, the tenant behaves as RFC 7644 and docs/8x8.md say.
//!
//! All combinations are meaningful. Where two contradict each other the stronger wins:
//!
//! * `patch-refused` over `patch-405` over `patch-active-only` over `patch-ignores-others`;
//! * `patch-refused` or `patch-405` with `put-refused`: nothing can be edited, only DELETE still
//!   deactivates;
//! * `filter-refused` over `filter-ignored` over `external-id-filter-refused`;
//! * `paging-ignored` over `page-repeats` over `cursor-paging`; `pages-of-10` caps the page of
//!   the last two, and has no meaning with the first;
//! * `names-not-unique` over `duplicate-is-400` (nothing is ever a duplicate);
//! * `create-without-body` with `location-missing`: the new user has to be looked up by name;
//! * `delete-really-deletes` frees the name, whatever else is on;
//! * `other-customer-404` with `not-found-html`: that 404 is HTML too;
//! * `phones-normalised` works on what `blanks-trimmed` leaves.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

macro_rules! switches {
    ($( $variant:ident, $name:literal, $help:literal; )*) => {
        /// One way in which the real service may differ from the default behaviour.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Switch {
            $( #[doc = $help] $variant, )*
        }

        impl Switch {
            /// Every switch there is, in the order of the documentation.
            pub const ALL: &[Switch] = &[ $( Switch::$variant, )* ];

            /// The name for the command line, in kebab-case.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $( Switch::$variant => $name, )* }
            }

            /// One line that says what the tenant does with the switch on.
            #[must_use]
            pub fn help(self) -> &'static str {
                match self { $( Switch::$variant => $help, )* }
            }
        }
    };
}

switches! {
    PatchActiveOnly, "patch-active-only", "A PATCH that touches anything but active is refused with 400 invalidPath";
    PatchIgnoresOthers, "patch-ignores-others", "A PATCH succeeds, but applies active only and drops the rest silently";
    PatchRefused, "patch-refused", "PATCH is answered 501 Not Implemented";
    Patch405, "patch-405", "PATCH is answered 405 Method Not Allowed";
    PatchNoContent, "patch-no-content", "A successful PATCH is answered 204 without a body";
    PutRefused, "put-refused", "PUT is answered 405 Method Not Allowed";
    InactiveEditsRefused, "inactive-edits-refused", "Changing anything but active of an inactive user is refused with 400 mutability";
    DeleteReallyDeletes, "delete-really-deletes", "DELETE removes the user and frees the userName";
    CreateWithoutBody, "create-without-body", "A create is answered 201 with Location and no body";
    LocationMissing, "location-missing", "No Location header and no meta.location";
    FilterIgnored, "filter-ignored", "The filter is not looked at: page one of everybody";
    FilterRefused, "filter-refused", "Every filter is refused with 400 invalidFilter";
    ExternalIdFilterRefused, "external-id-filter-refused", "Filters on anything but userName are refused with 400 invalidFilter";
    PagingIgnored, "paging-ignored", "startIndex and count are not looked at: always everybody at once";
    PagesOf10, "pages-of-10", "A page never holds more than 10 users";
    PageRepeats, "page-repeats", "startIndex is not looked at: always page one";
    CursorPaging, "cursor-paging", "Pages come with nextCursor unasked, startIndex is not understood (RFC 9865)";
    TotalMissing, "total-missing", "A list leaves totalResults out";
    EmptyListWithoutResources, "empty-list-without-resources", "A list of nobody leaves Resources out (RFC 7644 section 3.4.2)";
    ConsoleUsersHidden, "console-users-hidden", "Users made in Admin Console cannot be read, but their userName collides";
    DuplicateIs400, "duplicate-is-400", "A taken userName is answered 400 'userName already in use' without scimType, not 409";
    NamesNotUnique, "names-not-unique", "Several users may have one userName";
    ExternalIdRequired, "external-id-required", "A user without externalId is refused with 400 invalidValue";
    SchemasRequired, "schemas-required", "A body without schemas is refused with 400 invalidSyntax";
    ScimJsonRefused, "scim-json-refused", "A body sent as application/scim+json is answered 415";
    UserNameLowercased, "username-lowercased", "userName is stored in lower case";
    BlanksTrimmed, "blanks-trimmed", "Names and titles are stored without blanks at their ends";
    PhonesNormalised, "phones-normalised", "Phone numbers are stored as tel: URIs, digits and + only";
    DepartmentIgnored, "department-ignored", "department is dropped silently";
    UnknownKept, "unknown-kept", "Attributes and extensions that 8x8 does not name are stored, and cleared by a PUT that leaves them out";
    ActiveAsString, "active-as-string", "active is answered as the string \"True\" or \"False\"";
    SiteUrn8x8User, "site-urn-8x8user", "site lives under urn:8x8:scim:schemas:extension:8x8user:2.0:User";
    Versions, "versions", "Resources have ETags, If-Match is honoured with 412, and etag is announced";
    AnswersPlainJson, "answers-plain-json", "Answers are application/json, not application/scim+json";
    ErrorStatusAsNumber, "error-status-as-number", "An error body says its status as a number";
    ScimTypeMissing, "scim-type-missing", "An error body has no scimType";
    OtherCustomer404, "other-customer-404", "Another customer's path is answered 404, not 403";
    NotFoundHtml, "not-found-html", "404 comes as a gateway's HTML page";
    DiscoveryMissing, "discovery-missing", "ServiceProviderConfig, Schemas and ResourceTypes are 404";
}

impl fmt::Display for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A switch name that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no switch `{given}`; the switches are {}", names())]
pub struct UnknownSwitch {
    given: String,
}

fn names() -> String {
    let names: Vec<_> = Switch::ALL.iter().map(|switch| switch.name()).collect();
    names.join(", ")
}

impl FromStr for Switch {
    type Err = UnknownSwitch;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|switch| switch.name().eq_ignore_ascii_case(given.trim()))
            .ok_or_else(|| UnknownSwitch {
                given: given.to_owned(),
            })
    }
}

/// The switches that are on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Switches(BTreeSet<Switch>);

impl Switches {
    /// No switch on: the default behaviour.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Whether a switch is on.
    #[must_use]
    pub fn contains(&self, switch: Switch) -> bool {
        self.0.contains(&switch)
    }

    /// Turns a switch on; says whether it was off.
    pub fn insert(&mut self, switch: Switch) -> bool {
        self.0.insert(switch)
    }

    /// Turns a switch off; says whether it was on.
    pub fn remove(&mut self, switch: Switch) -> bool {
        self.0.remove(&switch)
    }

    /// The switches that are on, in the order of [`Switch::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = Switch> + '_ {
        self.0.iter().copied()
    }

    /// Whether no switch is on.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Switch> for Switches {
    fn from_iter<I: IntoIterator<Item = Switch>>(switches: I) -> Self {
        Self(switches.into_iter().collect())
    }
}

impl Extend<Switch> for Switches {
    fn extend<I: IntoIterator<Item = Switch>>(&mut self, switches: I) {
        self.0.extend(switches);
    }
}

impl<const N: usize> From<[Switch; N]> for Switches {
    fn from(switches: [Switch; N]) -> Self {
        switches.into_iter().collect()
    }
}

impl From<Vec<Switch>> for Switches {
    fn from(switches: Vec<Switch>) -> Self {
        switches.into_iter().collect()
    }
}

impl From<Switch> for Switches {
    fn from(switch: Switch) -> Self {
        Self::from([switch])
    }
}

impl fmt::Display for Switches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, switch) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str(", ")?;
            }
            f.write_str(switch.name())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_kebab_case_unique_and_read_back() {
        let mut seen = BTreeSet::new();
        for switch in Switch::ALL {
            let name = switch.name();
            assert!(
                name.chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'),
                "{name}"
            );
            assert!(seen.insert(name), "{name} twice");
            assert_eq!(name.parse::<Switch>(), Ok(*switch));
            assert!(!switch.help().is_empty());
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_names_there_are() {
        let error = "patch-maybe".parse::<Switch>().unwrap_err().to_string();
        assert!(error.contains("`patch-maybe`"), "{error}");
        assert!(error.contains("patch-refused"), "{error}");
    }
}
