//! ServiceProviderConfig, ResourceTypes and Schemas (RFC 7644 §4, RFC 7643 §5 to §7). Whether
//! 8x8 has them is unknown (docs/8x8.md §2).

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::answer::{Answer, Refusal};
use super::discovery_schemas::DISCOVERY;
use super::listing::LIST_SCHEMA;
use super::schema::{
    Attribute, ENTERPRISE, ENTERPRISE_URN, Kind, Mutability, SITE, Schema, USER, USER_URN,
};
use super::switches::Switch;
use super::users::{Outcome, Tenant};

const CONFIG_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
const TYPE_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
const SCHEMA_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";

impl Tenant {
    fn discoverable(&self) -> Result<(), Refusal> {
        if self.switches.contains(Switch::DiscoveryMissing) {
            return Err(Refusal::not_found("There is no such resource."));
        }
        Ok(())
    }

    /// GET /ServiceProviderConfig (RFC 7643 §5).
    pub(super) fn service_provider_config(&self) -> Outcome {
        self.discoverable()?;
        let on = |switch| self.switches.contains(switch);
        let supported = |yes: bool| json!({"supported": yes});
        Ok(Answer::json(
            StatusCode::OK,
            json!({
                "schemas": [CONFIG_SCHEMA],
                "patch": supported(!on(Switch::PatchRefused) && !on(Switch::Patch405)),
                "bulk": {"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
                "filter": {"supported": !on(Switch::FilterRefused), "maxResults": self.max_page},
                "changePassword": supported(false),
                "sort": supported(false),
                "etag": supported(on(Switch::Versions)),
                "authenticationSchemes": [{
                    "type": "oauthbearertoken",
                    "name": "API token",
                    "description": "The token that Admin Console shows",
                    "primary": true,
                }],
                "meta": {
                    "resourceType": "ServiceProviderConfig",
                    "location": format!("{}/ServiceProviderConfig", self.base),
                },
            }),
        ))
    }

    /// GET /ResourceTypes (RFC 7643 §6).
    pub(super) fn resource_types(&self) -> Outcome {
        self.discoverable()?;
        Ok(list(vec![self.user_type()]))
    }

    /// GET /ResourceTypes/{name}.
    pub(super) fn resource_type(&self, name: &str) -> Outcome {
        self.discoverable()?;
        if name == "User" {
            Ok(Answer::json(StatusCode::OK, self.user_type()))
        } else {
            Err(Refusal::not_found("There is no such resource type."))
        }
    }

    /// GET /Schemas (RFC 7643 §7).
    pub(super) fn schemas(&self) -> Outcome {
        self.discoverable()?;
        Ok(list(
            self.described()
                .map(|schema| self.describe(schema))
                .collect(),
        ))
    }

    /// GET /Schemas/{urn}.
    pub(super) fn schema(&self, urn: &str) -> Outcome {
        self.discoverable()?;
        self.described()
            .find(|schema| self.outside_urn(schema).eq_ignore_ascii_case(urn))
            .map(|schema| Answer::json(StatusCode::OK, self.describe(schema)))
            .ok_or_else(|| Refusal::not_found("There is no such schema."))
    }

    fn described(&self) -> impl Iterator<Item = &'static Schema> {
        [&USER, &ENTERPRISE, &SITE].into_iter().chain(DISCOVERY)
    }

    fn outside_urn(&self, schema: &Schema) -> &'static str {
        self.names().outside(schema.urn).unwrap_or(schema.urn)
    }

    fn user_type(&self) -> Value {
        json!({
            "schemas": [TYPE_SCHEMA],
            "id": "User",
            "name": "User",
            "description": "User Account",
            "endpoint": "/Users",
            "schema": USER_URN,
            "schemaExtensions": [
                {"schema": ENTERPRISE_URN, "required": false},
                {"schema": self.names().site_urn, "required": false},
            ],
            "meta": {
                "resourceType": "ResourceType",
                "location": format!("{}/ResourceTypes/User", self.base),
            },
        })
    }

    fn describe(&self, schema: &Schema) -> Value {
        let urn = self.outside_urn(schema);
        let attributes = schema
            .attributes
            .iter()
            .map(|one| self.characteristics(one));
        json!({
            "schemas": [SCHEMA_SCHEMA],
            "id": urn,
            "name": schema.name,
            "description": schema.description,
            "attributes": attributes.collect::<Vec<_>>(),
            "meta": {
                "resourceType": "Schema",
                "location": format!("{}/Schemas/{urn}", self.base),
            },
        })
    }

    fn characteristics(&self, attribute: &Attribute) -> Value {
        let mut described = json!({
            "name": attribute.name,
            "type": match attribute.kind {
                Kind::Text => "string",
                Kind::Boolean => "boolean",
                Kind::Integer => "integer",
                Kind::DateTime => "dateTime",
                Kind::Reference => "reference",
                Kind::Complex(_) => "complex",
            },
            "multiValued": attribute.multi_valued,
            "description": attribute.description,
            "required": attribute.required,
            "mutability": match attribute.mutability {
                Mutability::ReadOnly => "readOnly",
                Mutability::ReadWrite => "readWrite",
                Mutability::Immutable => "immutable",
            },
            "returned": attribute.returned,
        });
        let Some(members) = described.as_object_mut() else {
            return described;
        };
        match attribute.kind {
            Kind::Complex(parts) => {
                let parts = parts
                    .iter()
                    .map(|part| self.characteristics(part))
                    .collect();
                members.insert("subAttributes".to_owned(), Value::Array(parts));
            }
            Kind::Text | Kind::Reference => {
                members.insert("caseExact".to_owned(), json!(attribute.case_exact));
                members.insert("uniqueness".to_owned(), json!(attribute.uniqueness));
            }
            Kind::Boolean | Kind::Integer | Kind::DateTime => {}
        }
        if let Kind::Reference = attribute.kind {
            members.insert("referenceTypes".to_owned(), json!(["uri"]));
        }
        if attribute.name == "site" {
            members.insert("canonicalValues".to_owned(), json!(self.sites));
        } else if !attribute.canonical_values.is_empty() {
            let values = json!(attribute.canonical_values);
            members.insert("canonicalValues".to_owned(), values);
        }
        described
    }
}

fn list(resources: Vec<Value>) -> Answer {
    Answer::json(
        StatusCode::OK,
        json!({
            "schemas": [LIST_SCHEMA],
            "totalResults": resources.len(),
            "startIndex": 1,
            "itemsPerPage": resources.len(),
            "Resources": resources,
        }),
    )
}
