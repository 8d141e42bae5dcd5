//! What the operator grants, from the environment:
//!
//! - `CONNECTOR_GRANT`: the URL below which requests may go, as it is typed in the settings.
//! - `CONNECTOR_CREDENTIAL_API_TOKEN`, for the credential `api-token`: the header line that it
//!   is sent in, such as `authorization: Bearer …`.
//! - `CONNECTOR_READ_ONLY`: if it is there and not empty, only GET and HEAD pass.

use crate::exports::provisioning::connector::http::RefusalReason;

pub(crate) struct Settings {
    variables: Vec<(String, String)>,
}

impl Settings {
    pub(crate) fn read() -> Self {
        Self {
            variables: wasip2::cli::environment::get_environment(),
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        let mut variables = self.variables.iter();
        let (_, value) = variables.find(|(found, value)| found == name && !value.is_empty())?;
        Some(value)
    }

    pub(crate) fn grant(&self) -> Option<&str> {
        self.get("CONNECTOR_GRANT")
    }

    pub(crate) fn is_read_only(&self) -> bool {
        self.get("CONNECTOR_READ_ONLY").is_some()
    }

    /// The header line of each of these credentials: name and value.
    pub(crate) fn credentials(
        &self,
        names: &[String],
    ) -> Result<Vec<(String, String)>, (RefusalReason, String)> {
        let line = |name: &String| {
            let variable = format!(
                "CONNECTOR_CREDENTIAL_{}",
                name.to_ascii_uppercase().replace('-', "_")
            );
            let missing = format!(
                "There is no credential {name}: set {variable} to its header line, such as \
                 `authorization: Bearer …`."
            );
            let line = self.get(&variable).and_then(|line| line.split_once(": "));
            let (header, value) = line.ok_or((RefusalReason::Credential, missing))?;
            Ok((header.to_ascii_lowercase(), value.to_owned()))
        };
        names.iter().map(line).collect()
    }
}
