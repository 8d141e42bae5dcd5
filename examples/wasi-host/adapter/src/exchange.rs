//! One exchange over `wasi:http`: the request as a whole, then the answer as a whole. No redirect is
//! followed, since the host underneath follows none; and nothing is retried.

use std::time::{Duration, SystemTime};

use wasip2::clocks::{monotonic_clock, wall_clock};
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingBody, IncomingResponse, Method as WasiMethod, OutgoingBody,
    OutgoingRequest, RequestOptions, Scheme,
};
use wasip2::io::streams::StreamError;

use crate::exports::provisioning::connector::http::{
    Header, Method, Refusal, RefusalReason, Request, Response, TransportFailure,
};
use crate::grant::Target;

/// Nanoseconds that may pass until a connection is there, an answer begins, and goes on.
const TIMEOUT: u64 = 30_000_000_000;
/// The most of an answer that is taken.
const ANSWER_BYTES: u32 = 8 << 20;
/// The most that a stream takes at once.
const WRITE_BYTES: usize = 4096;

/// Of an answer, what is not the connector's business.
const HIDDEN: [&str; 9] = [
    "authentication-info",
    "authorization",
    "cookie",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "set-cookie",
    "set-cookie2",
    "www-authenticate",
];

pub(crate) fn exchange(
    request: &Request,
    target: &Target,
    credentials: &[(String, String)],
) -> Result<Response, TransportFailure> {
    if request.delay_ms > 0 {
        monotonic_clock::subscribe_duration(u64::from(request.delay_ms) * 1_000_000).block();
    }
    let outgoing = outgoing(request, target, credentials)?;
    let body = outgoing
        .body()
        .map_err(|()| refused("The host takes no body."))?;
    let options = RequestOptions::new();
    // A host that knows no timeouts has its own.
    let _ = options.set_connect_timeout(Some(TIMEOUT));
    let _ = options.set_first_byte_timeout(Some(TIMEOUT));
    let _ = options.set_between_bytes_timeout(Some(TIMEOUT));
    let answer = outgoing_handler::handle(outgoing, Some(options)).map_err(|code| failed(&code))?;
    // A host may answer before it has read everything, so a stream that is closed is no failure.
    let _ = write(&body, request.body.as_deref().unwrap_or_default());
    let _ = OutgoingBody::finish(body, None);
    answer.subscribe().block();
    let answer = answer.get().and_then(Result::ok);
    let answer = answer.ok_or_else(|| no_answer("the host lost it"))?;
    let secrets: Vec<&str> = credentials
        .iter()
        .filter_map(|(_, value)| value.rsplit(' ').next())
        .collect();
    read(&answer.map_err(|code| failed(&code))?, &secrets)
}

fn outgoing(
    request: &Request,
    target: &Target,
    credentials: &[(String, String)],
) -> Result<OutgoingRequest, TransportFailure> {
    let header = |reason, name: &str| {
        let message = format!("The host refused the header {name}.");
        TransportFailure::Refused(Refusal { reason, message })
    };
    let fields = Fields::new();
    for Header { name, value } in &request.headers {
        fields
            .append(&name.to_ascii_lowercase(), value.as_bytes())
            .map_err(|_| header(RefusalReason::Header, name))?;
    }
    for (name, value) in credentials {
        fields
            .append(name, value.as_bytes())
            .map_err(|_| header(RefusalReason::Credential, name))?;
    }
    if let Some(body) = &request.body {
        // Without it the host would send a body of any length in chunks.
        let length = body.len().to_string();
        fields
            .append("content-length", length.as_bytes())
            .map_err(|_| header(RefusalReason::Other, "content-length"))?;
    }
    let outgoing = OutgoingRequest::new(fields);
    let method = match request.method {
        Method::Get => WasiMethod::Get,
        Method::Head => WasiMethod::Head,
        Method::Post => WasiMethod::Post,
        Method::Put => WasiMethod::Put,
        Method::Patch => WasiMethod::Patch,
        Method::Delete => WasiMethod::Delete,
    };
    let scheme = if target.is_https {
        Scheme::Https
    } else {
        Scheme::Http
    };
    outgoing
        .set_method(&method)
        .and_then(|()| outgoing.set_scheme(Some(&scheme)))
        .and_then(|()| outgoing.set_authority(Some(&target.authority)))
        .and_then(|()| outgoing.set_path_with_query(Some(&target.path_with_query)))
        .map_err(|()| refused("The host refused the method or the URL."))?;
    Ok(outgoing)
}

fn write(body: &OutgoingBody, bytes: &[u8]) -> Result<(), StreamError> {
    let Ok(stream) = body.write() else {
        return Err(StreamError::Closed);
    };
    for piece in bytes.chunks(WRITE_BYTES) {
        stream.blocking_write_and_flush(piece)?;
    }
    Ok(())
}

/// The answer, as the connector may see it.
fn read(answer: &IncomingResponse, secrets: &[&str]) -> Result<Response, TransportFailure> {
    let withheld = |what: &str| {
        let message = format!("The answer is not handed over: it {what}.");
        TransportFailure::Withheld(message)
    };
    let fields = answer.headers().entries();
    let mut headers: Vec<Header> = fields
        .into_iter()
        .map(|(name, value)| Header {
            name: name.to_ascii_lowercase(),
            value: String::from_utf8_lossy(&value).into_owned(),
        })
        .collect();
    headers.retain(|header| !HIDDEN.contains(&header.name.as_str()));
    let find = |name: &str| headers.iter().find(|header| header.name == name);
    let encoded = find("content-encoding").is_some_and(|header| header.value != "identity");
    if encoded && !secrets.is_empty() {
        return Err(withheld("is encoded, and could hold the credential"));
    }
    let retry_after_ms = find("retry-after").and_then(|header| retry_after(&header.value));
    let body = answer
        .consume()
        .map_err(|()| no_answer("it has no body to read"))?;
    let body = collect(&body)?;
    let holds = |bytes: &[u8]| {
        let mut secrets = secrets.iter().filter(|secret| !secret.is_empty());
        secrets.any(|secret| {
            bytes
                .windows(secret.len())
                .any(|piece| piece == secret.as_bytes())
        })
    };
    if holds(&body) || headers.iter().any(|header| holds(header.value.as_bytes())) {
        return Err(withheld("holds the credential"));
    }
    Ok(Response {
        status: answer.status(),
        headers,
        body,
        retry_after_ms,
        earlier_attempt_lost: false,
    })
}

fn collect(body: &IncomingBody) -> Result<Vec<u8>, TransportFailure> {
    let stream = body
        .stream()
        .map_err(|()| no_answer("its body cannot be read"))?;
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(64 << 10) {
            Ok(piece) => bytes.extend_from_slice(&piece),
            Err(StreamError::Closed) => return Ok(bytes),
            Err(StreamError::LastOperationFailed(error)) => {
                return Err(no_answer(&error.to_debug_string()));
            }
        }
        if bytes.len() > ANSWER_BYTES as usize {
            return Err(TransportFailure::TooLarge(ANSWER_BYTES));
        }
    }
}

/// RFC 9110 §10.2.3: seconds, or a date.
fn retry_after(text: &str) -> Option<u32> {
    let wait = match text.trim().parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let at = httpdate::parse_http_date(text).ok()?;
            let at = at.duration_since(SystemTime::UNIX_EPOCH).ok()?;
            at.saturating_sub(Duration::from_secs(wall_clock::now().seconds))
        }
    };
    Some(u32::try_from(wait.as_millis()).unwrap_or(u32::MAX))
}

fn refused(message: &str) -> TransportFailure {
    TransportFailure::Refused(Refusal {
        reason: RefusalReason::Other,
        message: message.to_owned(),
    })
}

fn no_answer(what: &str) -> TransportFailure {
    TransportFailure::NoAnswer(format!("No whole answer came back: {what}."))
}

/// What each of WASI's codes says of the request: refused, not sent, or sent perhaps.
fn failed(code: &ErrorCode) -> TransportFailure {
    use ErrorCode as Code;
    match code {
        Code::DnsTimeout
        | Code::DnsError(_)
        | Code::DestinationNotFound
        | Code::DestinationUnavailable
        | Code::DestinationIpUnroutable
        | Code::ConnectionRefused
        | Code::ConnectionTimeout
        | Code::ConnectionLimitReached
        | Code::TlsProtocolError
        | Code::TlsCertificateError
        | Code::TlsAlertReceived(_) => {
            TransportFailure::NotSent(format!("The upstream could not be reached: {code:?}."))
        }
        Code::DestinationIpProhibited => TransportFailure::Refused(Refusal {
            reason: RefusalReason::Address,
            message: "The host does not allow the address.".to_owned(),
        }),
        Code::HttpRequestDenied
        | Code::HttpRequestLengthRequired
        | Code::HttpRequestBodySize(_)
        | Code::HttpRequestMethodInvalid
        | Code::HttpRequestUriInvalid
        | Code::HttpRequestUriTooLong
        | Code::HttpRequestHeaderSectionSize(_)
        | Code::HttpRequestHeaderSize(_)
        | Code::HttpRequestTrailerSectionSize(_)
        | Code::HttpRequestTrailerSize(_)
        | Code::ConfigurationError => refused(&format!("The host refused the request: {code:?}.")),
        Code::ConnectionTerminated
        | Code::ConnectionReadTimeout
        | Code::ConnectionWriteTimeout
        | Code::HttpResponseIncomplete
        | Code::HttpResponseHeaderSectionSize(_)
        | Code::HttpResponseHeaderSize(_)
        | Code::HttpResponseBodySize(_)
        | Code::HttpResponseTrailerSectionSize(_)
        | Code::HttpResponseTrailerSize(_)
        | Code::HttpResponseTransferCoding(_)
        | Code::HttpResponseContentCoding(_)
        | Code::HttpResponseTimeout
        | Code::HttpUpgradeFailed
        | Code::HttpProtocolError
        | Code::LoopDetected
        | Code::InternalError(_) => no_answer(&format!("{code:?}")),
    }
}
