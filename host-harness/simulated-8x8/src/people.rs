//! People to start with: believable, and the same in every run.

use serde_json::{Value, json};

use super::schema::{ENTERPRISE_URN, SITE_URN};
use super::store::scrambled;

const GIVEN_NAMES: [&str; 32] = [
    "Ada", "Amira", "Björn", "Carmen", "Chidi", "Dagny", "Diego", "Eleanor", "Emeka", "Farah",
    "Grace", "Hamza", "Hélène", "Ingrid", "Ivan", "Jasmin", "João", "Kenji", "Lakshmi", "Liam",
    "Maeve", "Mateo", "Nadia", "Niamh", "Olga", "Pavel", "Priya", "Rosa", "Sven", "Tomás", "Yuki",
    "Zoë",
];

const FAMILY_NAMES: [&str; 32] = [
    "Achebe",
    "Almeida",
    "Andersson",
    "Baker",
    "Bianchi",
    "Castillo",
    "Chen",
    "Dubois",
    "Eriksen",
    "Fernández",
    "García",
    "Hughes",
    "Ibrahim",
    "Jansen",
    "Kaur",
    "Kowalski",
    "Lovelace",
    "Marino",
    "Müller",
    "Nakamura",
    "Novák",
    "O'Brien",
    "Okafor",
    "Patel",
    "Quinn",
    "Rossi",
    "Schmidt",
    "Silva",
    "Taylor",
    "Van den Berg",
    "Walsh",
    "Zhang",
];

const TITLES: [&str; 8] = [
    "Account Executive",
    "Accountant",
    "Customer Success Manager",
    "Engineer",
    "HR Partner",
    "Support Agent",
    "Support Lead",
    "Warehouse Planner",
];

const DEPARTMENTS: [&str; 6] = ["Finance", "HR", "Operations", "R&D", "Sales", "Support"];

/// The nth person, as a resource; `sites` are those of the tenant.
pub(super) fn person(number: usize, sites: &[String]) -> Value {
    let dice = scrambled(number as u64);
    let roll = |shift: u32, sides: usize| ((dice >> shift) as usize & 0xffff) % sides.max(1);
    let given = pick(&GIVEN_NAMES, number);
    let family = pick(
        &FAMILY_NAMES,
        number / GIVEN_NAMES.len() + roll(0, FAMILY_NAMES.len()),
    );
    let user_name = format!("{}.{}.{number}@example.com", ascii(given), ascii(family));
    let mut person = json!({
        "userName": user_name,
        "externalId": format!("E{number:06}"),
        "name": {"givenName": given, "familyName": family},
        "emails": [{"value": user_name, "type": "work", "primary": true}],
        "title": pick(&TITLES, roll(8, TITLES.len())),
        "active": roll(16, 20) != 0,
        (ENTERPRISE_URN): {"department": pick(&DEPARTMENTS, roll(24, DEPARTMENTS.len()))},
    });
    let Some(members) = person.as_object_mut() else {
        return person;
    };
    if let Some(site) = sites.get(roll(32, sites.len())) {
        members.insert(SITE_URN.to_owned(), json!({"site": site}));
    }
    if roll(40, 2) == 0 {
        // 07700 900000 to 900999 belong to nobody (Ofcom).
        let mobile = format!("+447700900{:03}", roll(48, 1000));
        let phones = json!([{"value": mobile, "type": "mobile", "primary": true}]);
        members.insert("phoneNumbers".to_owned(), phones);
    }
    person
}

fn pick(from: &[&'static str], position: usize) -> &'static str {
    from.get(position % from.len().max(1))
        .copied()
        .unwrap_or_default()
}

fn ascii(name: &str) -> String {
    name.chars()
        .filter_map(|c| match c {
            'é' | 'è' | 'ë' => Some('e'),
            'á' | 'ã' => Some('a'),
            'ö' => Some('o'),
            'ü' => Some('u'),
            'í' => Some('i'),
            _ => c.is_ascii_alphabetic().then_some(c.to_ascii_lowercase()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn generated_people_have_names_of_their_own_and_are_the_same_every_time() {
        let sites = ["London".to_owned(), "Madrid".to_owned()];
        let names: HashSet<_> = (0..3000)
            .map(|number| person(number, &sites)["userName"].to_string())
            .collect();
        assert_eq!(names.len(), 3000);
        assert!(names.iter().all(|name| name.is_ascii()));
        assert_eq!(person(7, &sites), person(7, &sites));
    }
}
