//! The limits of a sandbox: each with its default, the reason for it, and the line of the
//! connection file that changes it.

use std::time::Duration;

/// Most linear memory that any sandbox may be given; the pool of instances reserves this
/// much address space for each.
pub const MOST_MEMORY: usize = 256 << 20;
/// Most table elements that any sandbox may be given.
pub const MOST_TABLE_ELEMENTS: usize = 100_000;

/// What one operation of a connector may use up. [`Limits::default`] suits a connector
/// for people's accounts; an operator may choose otherwise, a connector may not.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Time that the guest computes in one operation, and the host for it; waiting for the
    /// network is not counted. Default 5 s: a page of accounts takes milliseconds.
    pub cpu: Duration,
    /// Instructions in one operation, where the host counts them
    /// ([`HostOptions::count_fuel`](crate::HostOptions::count_fuel)). Default: not limited.
    pub fuel: Option<u64>,
    /// Linear memory in bytes. Default 64 MiB: the largest answer, its parsed form and
    /// the accounts made of it fit several times over. At most [`MOST_MEMORY`].
    pub memory: usize,
    /// Elements of all tables. Default 20,000: a table holds the guest's functions. At
    /// most [`MOST_TABLE_ELEMENTS`].
    pub table_elements: usize,
    /// Wall time of one operation, retries included. Default 2 min.
    pub operation_time: Duration,
    /// Wall time of one request, without its retries. Default 30 s.
    pub request_time: Duration,
    /// Requests on the wire in one operation, retries included. Default 100: an update
    /// with every fallback takes fewer than ten.
    pub requests: u32,
    /// Bytes of one request's body. Default 1 MiB: an account is a few KiB.
    pub request_bytes: usize,
    /// Bytes of all request bodies in one operation. Default 4 MiB.
    pub sent_bytes: usize,
    /// Bytes of one answer's body. Default 8 MiB: a page of 1,000 large accounts.
    pub response_bytes: usize,
    /// Bytes of all answers in one operation. Default 64 MiB.
    pub received_bytes: usize,
    /// Header lines of one request or answer. Default 100.
    pub headers: usize,
    /// Bytes of the header lines of one request or answer. Default 64 KiB.
    pub header_bytes: usize,
    /// Log messages in one operation; more are dropped. Default 1,000.
    pub log_messages: u32,
    /// Bytes of log text in one operation; more is dropped. Default 256 KiB.
    pub log_bytes: usize,
    /// Bytes that one call hands from the guest to the host: a result, or a request.
    /// Default 32 MiB.
    pub result_bytes: usize,
    /// Pages of one listing. Default 1,000,000: a guard against a listing without end.
    pub pages: u32,
    /// Accounts of one listing. Default 5,000,000: some bytes of each are kept, to tell which
    /// was there before.
    pub listing_accounts: u64,
    /// Bytes of all accounts of one listing: their ids, names and values. Default 2 GiB: some
    /// millions of accounts, which have a few hundred bytes each.
    pub listing_bytes: u64,
    /// Bytes that a sync keeps on disk to look accounts and rows up in, in a file that is gone
    /// with the run. Default 8 GiB: what is listed takes about twice its size there.
    pub scratch_bytes: u64,
    /// Resource handles that a guest may hold. Default 100; it needs one.
    pub handles: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cpu: Duration::from_secs(5),
            fuel: None,
            memory: 64 << 20,
            table_elements: 20_000,
            operation_time: Duration::from_secs(120),
            request_time: Duration::from_secs(30),
            requests: 100,
            request_bytes: 1 << 20,
            sent_bytes: 4 << 20,
            response_bytes: 8 << 20,
            received_bytes: 64 << 20,
            headers: 100,
            header_bytes: 64 << 10,
            log_messages: 1_000,
            log_bytes: 256 << 10,
            result_bytes: 32 << 20,
            pages: 1_000_000,
            listing_accounts: 5_000_000,
            listing_bytes: 2 << 30,
            scratch_bytes: 8 << 30,
            handles: 100,
        }
    }
}

/// What a limit is set to.
#[cfg(feature = "cli")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LimitValue {
    Unlimited,
    Time(Duration),
    Bytes(u64),
    Count(u64),
}

#[cfg(feature = "cli")]
impl Limits {
    /// Each limit by its key in a connection file. `timeout` and `operation-timeout` stand
    /// under [network] there, the others under [limits].
    pub(crate) fn by_key(&self, stack_bytes: usize) -> [(&'static str, LimitValue); 22] {
        let number = |value: usize| u64::try_from(value).unwrap_or(u64::MAX);
        let count = |value: usize| LimitValue::Count(number(value));
        let bytes = |value: usize| LimitValue::Bytes(number(value));
        [
            ("timeout", LimitValue::Time(self.request_time)),
            ("operation-timeout", LimitValue::Time(self.operation_time)),
            ("cpu", LimitValue::Time(self.cpu)),
            (
                "fuel",
                self.fuel.map_or(LimitValue::Unlimited, LimitValue::Count),
            ),
            ("memory", bytes(self.memory)),
            ("stack", bytes(stack_bytes)),
            ("table-elements", count(self.table_elements)),
            ("requests", LimitValue::Count(self.requests.into())),
            ("request-bytes", bytes(self.request_bytes)),
            ("sent-bytes", bytes(self.sent_bytes)),
            ("response-bytes", bytes(self.response_bytes)),
            ("received-bytes", bytes(self.received_bytes)),
            ("headers", count(self.headers)),
            ("header-bytes", bytes(self.header_bytes)),
            ("log-messages", LimitValue::Count(self.log_messages.into())),
            ("log-bytes", bytes(self.log_bytes)),
            ("result-bytes", bytes(self.result_bytes)),
            ("pages", LimitValue::Count(self.pages.into())),
            ("listing-accounts", LimitValue::Count(self.listing_accounts)),
            ("listing-bytes", LimitValue::Bytes(self.listing_bytes)),
            ("scratch-bytes", LimitValue::Bytes(self.scratch_bytes)),
            ("handles", count(self.handles)),
        ]
    }
}

/// The guest's stack in bytes, unless the operator says otherwise: calls some thousand deep.
/// All connections of a host share it
/// ([`HostOptions::stack_bytes`](crate::HostOptions::stack_bytes)).
pub(crate) const STACK_BYTES: usize = 512 << 10;
/// The largest stack that a connection file may ask for; each instance reserves it.
pub(crate) const MOST_STACK: usize = 8 << 20;
/// The most bytes of header lines that a connection file may ask for: what the HTTP library
/// reads of them.
pub(crate) const MOST_HEADER_BYTES: usize = 256 << 10;

// What follows is nobody's to configure: what the contract says, and what is more than any
// person reads.

/// Bytes of a component: compiling takes time and memory by its size, and the 8x8 connector
/// has a quarter of a megabyte.
pub(crate) const COMPONENT_BYTES: u64 = 32 << 20;
/// What compiling a component may take, as
/// [`Inside::compile_effort`](crate::inspection::Inside::compile_effort) counts it.
/// The engines of other languages that are known come to two thirds of it.
pub(crate) const COMPILE_EFFORT: u64 = 30_000_000;
/// What it may take in this process, where no [`Compiler`](crate::compiler::Compiler) is named:
/// some seconds, if the estimate holds.
pub(crate) const IN_PROCESS_EFFORT: u64 = 2_000_000;
/// Bytes of code of a component that is compiled in this process.
pub(crate) const IN_PROCESS_CODE: u64 = 1 << 20;
/// Core instances, memories and tables of one component with much code; one with little has
/// fewer, as the pool has places. An engine of Python takes 38 instances, one of JavaScript three
/// memories and three tables.
pub(crate) const MOST_INSTANCES: usize = 128;
pub(crate) const MOST_MEMORIES: usize = 8;
pub(crate) const MOST_TABLES: usize = 32;
/// Bytes of one message, of a log or a failure; the rest is cut.
pub(crate) const MESSAGE_BYTES: usize = 4 << 10;
/// Bytes of a code, or of a name in a message; the rest is cut.
pub(crate) const CODE_BYTES: usize = 200;
/// Problems of one failure; the rest is dropped.
pub(crate) const MOST_PROBLEMS: usize = 100;
/// Notices of one result; the rest is dropped.
pub(crate) const MOST_NOTICES: usize = 100;
/// Fields of one log message; the rest is dropped.
pub(crate) const LOG_FIELDS: usize = 16;
/// Bytes of a cursor (contract: `page-query.cursor`).
pub(crate) const CURSOR_BYTES: usize = 4 << 10;
/// Bytes of what a connection learned (contract: `learned`).
pub(crate) const LEARNED_BYTES: usize = 1 << 10;
/// Time to tell what was learned: it keeps the operation's result waiting.
pub(crate) const LEARNED_TIME: Duration = Duration::from_millis(100);
/// Addresses that a connection may ask to reach; each request is compared with all.
pub(crate) const MOST_REACH: usize = 100;
/// Bytes of a request's URL (contract: `request.url`).
pub(crate) const URL_BYTES: usize = 8 << 10;
/// Bytes of one setting: a long URL fits.
pub(crate) const SETTING_BYTES: usize = 8 << 10;
/// Bytes of an account's id; longer ones do not fit into a URL.
pub(crate) const ID_BYTES: usize = 2 << 10;
/// Settings, credentials, attributes and the like in a manifest: more is no description.
pub(crate) const MANIFEST_ENTRIES: usize = 1_000;
/// Bytes of a secret file; keys and tokens are shorter by far.
pub(crate) const SECRET_FILE_BYTES: u64 = 64 << 10;
/// Bytes of a signature file; minisign's are some 300 long.
pub(crate) const SIGNATURE_BYTES: u64 = 8 << 10;
/// Pages in a row that show nobody new: an upstream that shifts may repeat itself for a page
/// or two, and no more.
pub(crate) const MOST_STALE_PAGES: u32 = 5;
/// Attempts of one request, the first included.
pub(crate) const MOST_ATTEMPTS: u32 = 4;
/// Before the second attempt; doubled for each further one.
pub(crate) const FIRST_BACK_OFF: Duration = Duration::from_millis(250);
/// The longest back-off that the host chooses by itself.
pub(crate) const LONGEST_BACK_OFF: Duration = Duration::from_secs(10);
/// Connecting, name and TLS included. Nothing has been sent when it runs out.
pub(crate) const CONNECT_TIME: Duration = Duration::from_secs(10);
/// Shorter than the idle time of common servers, so that a request is not written to a
/// connection that the other side has just closed: of a write, that would leave unknown
/// whether it happened.
pub(crate) const IDLE_TIME: Duration = Duration::from_secs(4);

/// Which limit was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::cpu`]
    Cpu,
    /// [`Limits::fuel`]
    Fuel,
    /// [`Limits::memory`]
    Memory,
    /// [`Limits::table_elements`]
    TableElements,
    /// [`HostOptions::stack_bytes`](crate::HostOptions::stack_bytes)
    Stack,
    /// [`Limits::requests`]
    Requests,
    /// [`Limits::request_bytes`]
    RequestBytes,
    /// [`Limits::sent_bytes`]
    SentBytes,
    /// [`Limits::response_bytes`]
    ResponseBytes,
    /// [`Limits::received_bytes`]
    ReceivedBytes,
    /// [`Limits::headers`]
    Headers,
    /// [`Limits::header_bytes`]
    HeaderBytes,
    /// [`Limits::result_bytes`]
    ResultBytes,
    /// [`Limits::pages`]
    Pages,
    /// [`Limits::listing_accounts`]
    ListingAccounts,
    /// [`Limits::listing_bytes`]
    ListingBytes,
    /// [`Limits::scratch_bytes`]
    ScratchBytes,
    /// [`Limits::handles`]
    Handles,
}

impl Limit {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::Cpu,
        Self::Fuel,
        Self::Memory,
        Self::TableElements,
        Self::Stack,
        Self::Requests,
        Self::RequestBytes,
        Self::SentBytes,
        Self::ResponseBytes,
        Self::ReceivedBytes,
        Self::Headers,
        Self::HeaderBytes,
        Self::ResultBytes,
        Self::Pages,
        Self::ListingAccounts,
        Self::ListingBytes,
        Self::ScratchBytes,
        Self::Handles,
    ];

    /// The limit's name, kebab-case, as in `"limit"` of a failure's JSON and as the key in
    /// `[limits]` of a connection file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Fuel => "fuel",
            Self::Memory => "memory",
            Self::TableElements => "table-elements",
            Self::Stack => "stack",
            Self::Requests => "requests",
            Self::RequestBytes => "request-bytes",
            Self::SentBytes => "sent-bytes",
            Self::ResponseBytes => "response-bytes",
            Self::ReceivedBytes => "received-bytes",
            Self::Headers => "headers",
            Self::HeaderBytes => "header-bytes",
            Self::ResultBytes => "result-bytes",
            Self::Pages => "pages",
            Self::ListingAccounts => "listing-accounts",
            Self::ListingBytes => "listing-bytes",
            Self::ScratchBytes => "scratch-bytes",
            Self::Handles => "handles",
        }
    }

    /// What happened, and which setting changes it.
    pub(crate) fn message(self, limits: &Limits) -> String {
        let what = match self {
            Self::Cpu => format!(
                "The connector computed for longer than {:?} in one operation.",
                limits.cpu
            ),
            Self::Fuel => format!(
                "The connector used up its {} instructions.",
                limits.fuel.unwrap_or(u64::MAX)
            ),
            Self::Memory => format!(
                "The connector wanted more memory than {} bytes.",
                limits.memory
            ),
            Self::TableElements => format!(
                "The connector wanted more than {} table elements.",
                limits.table_elements
            ),
            Self::Stack => "The connector's calls were nested too deep for its stack.".to_owned(),
            Self::Requests => format!(
                "The connector sent {} requests in one operation and wanted more.",
                limits.requests
            ),
            Self::RequestBytes => format!(
                "The connector wanted to send more than {} bytes in one request.",
                limits.request_bytes
            ),
            Self::SentBytes => format!(
                "The connector wanted to send more than {} bytes in one operation.",
                limits.sent_bytes
            ),
            Self::ResponseBytes => format!(
                "The upstream's answer is larger than {} bytes.",
                limits.response_bytes
            ),
            Self::ReceivedBytes => format!(
                "The upstream's answers in one operation are larger than {} bytes.",
                limits.received_bytes
            ),
            Self::Headers => format!("More than {} header lines.", limits.headers),
            Self::HeaderBytes => {
                format!("Header lines of more than {} bytes.", limits.header_bytes)
            }
            Self::ResultBytes => format!(
                "The connector handed over more than {} bytes at once.",
                limits.result_bytes
            ),
            Self::Pages => format!("The listing has more than {} pages.", limits.pages),
            Self::ListingAccounts => format!(
                "The listing has more than {} accounts.",
                limits.listing_accounts
            ),
            Self::ListingBytes => format!(
                "The accounts of the listing have more than {} bytes.",
                limits.listing_bytes
            ),
            Self::ScratchBytes => format!(
                "The accounts and rows of this run take more than {} bytes on disk, where they \
                 are looked up.",
                limits.scratch_bytes
            ),
            Self::Handles => format!("The connector holds more than {} handles.", limits.handles),
        };
        let more = match self {
            Self::Memory if limits.memory >= MOST_MEMORY => return what,
            Self::Stack => " (a program that embeds the host: `HostOptions::stack_bytes`)",
            _ => "",
        };
        format!(
            "{what} If that is what it needs, raise `{}` under [limits] in the connection file{more}.",
            self.name()
        )
    }
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
