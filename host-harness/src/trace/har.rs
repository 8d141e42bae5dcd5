//! Exchanges as an HTTP Archive (HAR 1.2), which browsers and many tools read.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use url::Url;

use super::exchange::{Exchange, REDACTED};
use super::observer::Observer;
use crate::contract::Header;
use crate::private_file;

/// What closes the file; it is overwritten by the next entry.
const END: &[u8] = b"]}}\n";

/// A HAR file that is whole after each exchange, so that nothing is lost if the program
/// is stopped. Secrets are not in it; only its owner can read it.
#[derive(Debug)]
pub struct HarFile {
    state: Mutex<State>,
    with_values: bool,
}

#[derive(Debug)]
struct State {
    file: File,
    /// Where the next entry goes.
    end: u64,
    empty: bool,
    failed: Option<io::ErrorKind>,
}

impl HarFile {
    /// Makes the file, in the place of one that is there. Without values, bodies and query strings are left
    /// out: whatever could hold an attribute's value. That is the choice for a connector with
    /// an attribute that is sensitive or write-only, since the contract keeps such values out of
    /// traces; the program `harness` makes it by itself.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn create(path: &Path, with_values: bool) -> io::Result<Self> {
        let mut file = private_file::create(path)?;
        let creator = json!({ "name": "host-harness", "version": env!("CARGO_PKG_VERSION") });
        write!(
            file,
            "{{\"log\":{{\"version\":\"1.2\",\"creator\":{creator},\"entries\":["
        )?;
        let end = file.stream_position()?;
        file.write_all(END)?;
        Ok(Self {
            state: Mutex::new(State {
                file,
                end,
                empty: true,
                failed: None,
            }),
            with_values,
        })
    }

    /// Whether every exchange so far is in the file.
    ///
    /// # Errors
    ///
    /// Writing failed at some point; what was written before is whole.
    pub fn finish(&self) -> io::Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kind) = state.failed {
            return Err(kind.into());
        }
        state.file.flush()
    }

    fn entry(&self, exchange: &Exchange) -> Value {
        let ms = exchange.duration.as_secs_f64() * 1_000.0;
        json!({
            "startedDateTime": exchange.started_text(),
            "time": ms,
            "request": self.request(exchange),
            "response": self.response(exchange),
            "cache": {},
            "timings": { "send": 0, "wait": ms, "receive": 0 },
            "_operation": exchange.operation,
            "_attempt": exchange.attempt,
        })
    }

    fn request(&self, exchange: &Exchange) -> Value {
        let request = &exchange.request;
        let url = self.url(&request.url);
        let query: Vec<Value> = Url::parse(&url)
            .map(|url| {
                url.query_pairs()
                    .map(|(name, value)| json!({ "name": name, "value": value }))
                    .collect()
            })
            .unwrap_or_default();
        let mut entry = json!({
            "method": request.method,
            "url": url,
            "httpVersion": "HTTP",
            "cookies": [],
            "headers": headers(&request.headers),
            "queryString": query,
            "headersSize": -1,
            "bodySize": request.body.as_ref().map_or(0, Vec::len),
        });
        if let (Some(body), Some(fields)) = (&request.body, entry.as_object_mut()) {
            fields.insert(
                "postData".to_owned(),
                json!({
                    "mimeType": media_type(&request.headers),
                    "text": if self.with_values {
                        String::from_utf8_lossy(body)
                    } else {
                        REDACTED.into()
                    },
                }),
            );
        }
        entry
    }

    fn response(&self, exchange: &Exchange) -> Value {
        match &exchange.result {
            Ok(response) => {
                let mut content = json!({
                    "size": response.body.len(),
                    "mimeType": media_type(&response.headers),
                });
                if let Some(fields) = content.as_object_mut() {
                    if !self.with_values {
                        fields.insert("text".to_owned(), REDACTED.into());
                    } else if let Ok(text) = std::str::from_utf8(&response.body) {
                        fields.insert("text".to_owned(), text.into());
                    } else {
                        fields.insert("text".to_owned(), BASE64.encode(&response.body).into());
                        fields.insert("encoding".to_owned(), "base64".into());
                    }
                }
                json!({
                    "status": response.status,
                    "statusText": "",
                    "httpVersion": "HTTP",
                    "cookies": [],
                    "headers": headers(&response.headers),
                    "content": content,
                    "redirectURL": header(&response.headers, "location"),
                    "headersSize": -1,
                    "bodySize": response.body.len(),
                })
            }
            Err(_) => json!({
                "status": 0,
                "statusText": "",
                "httpVersion": "",
                "cookies": [],
                "headers": [],
                "content": { "size": 0, "mimeType": "" },
                "redirectURL": "",
                "headersSize": -1,
                "bodySize": -1,
                "_error": exchange.failure(),
            }),
        }
    }

    fn url(&self, url: &str) -> String {
        match url.split_once('?') {
            Some((path, _)) if !self.with_values => format!("{path}?{REDACTED}"),
            _ => url.to_owned(),
        }
    }
}

impl Observer for HarFile {
    fn exchange(&self, exchange: &Exchange) {
        let entry = self.entry(exchange);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = state.append(&entry) {
            if state.failed.is_none() {
                tracing::warn!("the trace cannot be written: {error}");
            }
            state.failed = Some(error.kind());
        }
    }
}

impl State {
    fn append(&mut self, entry: &Value) -> io::Result<()> {
        let mut text = Vec::new();
        if !self.empty {
            text.push(b',');
        }
        text.push(b'\n');
        serde_json::to_writer(&mut text, entry)?;
        let length = u64::try_from(text.len()).unwrap_or(0);
        text.extend_from_slice(END);
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(&text)?;
        self.end += length;
        self.empty = false;
        Ok(())
    }
}

fn headers(headers: &[Header]) -> Vec<Value> {
    headers
        .iter()
        .map(|header| json!({ "name": header.name, "value": header.value }))
        .collect()
}

fn header<'a>(headers: &'a [Header], name: &str) -> &'a str {
    headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case(name))
        .map_or("", |header| header.value.as_str())
}

fn media_type(headers: &[Header]) -> &str {
    header(headers, "content-type")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::contract::TransportFailure;
    use crate::trace::{ReceivedResponse, SentRequest};

    fn exchange(result: Result<ReceivedResponse, TransportFailure>) -> Exchange {
        Exchange {
            operation: "get",
            attempt: 1,
            started: SystemTime::UNIX_EPOCH + Duration::from_millis(1_500),
            duration: Duration::from_millis(20),
            request: SentRequest {
                method: "GET".to_owned(),
                url: "https://h.example/Users?filter=ada".to_owned(),
                headers: vec![],
                body: None,
            },
            result,
        }
    }

    fn ok() -> Exchange {
        exchange(Ok(ReceivedResponse {
            status: 200,
            headers: vec![],
            body: b"ada".to_vec(),
        }))
    }

    fn read(path: &Path) -> Value {
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    #[test]
    fn the_file_is_valid_after_each_exchange() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.har");
        let har = HarFile::create(&path, true).unwrap();
        assert_eq!(read(&path)["log"]["entries"], json!([]));
        har.exchange(&ok());
        har.exchange(&exchange(Err(TransportFailure::NoAnswer("cut".to_owned()))));
        let file = read(&path);
        assert_eq!(file["log"]["entries"].as_array().unwrap().len(), 2);
        let first = &file["log"]["entries"][0];
        assert_eq!(first["startedDateTime"], "1970-01-01T00:00:01.500Z");
        assert_eq!(first["response"]["content"]["text"], "ada");
    }

    #[test]
    fn values_are_left_out_on_request() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.har");
        HarFile::create(&path, false).unwrap().exchange(&ok());
        assert!(!read(&path).to_string().contains("ada"));
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_the_file() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.har");
        std::fs::write(&path, "").unwrap();
        HarFile::create(&path, true).unwrap();
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}
