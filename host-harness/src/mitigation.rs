//! What stands between a connector and harm, by the names that SECURITY.md uses. Each can be
//! switched off in a build with the feature `testing`, and in no other, to show that the
//! tests named for it fail without it: `HOST_HARNESS_WITHOUT=NAME`.

use crate::limits::Limits;

macro_rules! mitigations {
    ($($(#[$doc:meta])* $name:ident = $spelled:literal,)*) => {
        /// A mitigation that can be switched off.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[cfg_attr(
            not(feature = "testing"),
            expect(dead_code, reason = "some are asked for in test builds alone")
        )]
        pub(crate) enum Mitigation {
            $($(#[$doc])* $name,)*
        }

        impl Mitigation {
            /// As SECURITY.md and `HOST_HARNESS_WITHOUT` spell it.
            #[cfg(feature = "testing")]
            const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $spelled,)*
                }
            }
        }

        /// The names of all mitigations that can be switched off, those of the limits
        /// excepted: they are `limit-` and the limit's key under `[limits]`.
        #[cfg(feature = "testing")]
        #[doc(hidden)]
        pub const MITIGATIONS: &[&str] = &[$($spelled,)*];
    };
}

mitigations! {
    /// A component that imports more than the contract is not loaded.
    ImportGate = "import-gate",
    /// A manifest that contradicts itself is refused.
    ManifestRules = "manifest-rules",
    /// Only the pinned component is loaded.
    Digest = "digest",
    /// Only a component signed with the operator's key is loaded.
    Signature = "signature",
    /// A registry reads each thing once, and not without end.
    RegistryBounds = "registry-bounds",
    /// Compiled code is kept where only the user can write.
    PrivateCache = "private-cache",
    /// A connection may only narrow what the operator granted.
    NarrowedReach = "narrowed-reach",
    /// Requests stay at the operator's origin.
    Origin = "origin",
    /// Requests stay below the operator's path, by whole segments.
    Path = "path",
    /// A URL that can be read in two ways is refused.
    Spelling = "spelling",
    /// Plain http is for loopback alone.
    HttpsOnly = "https-only",
    /// Names and literals lead to public addresses, or to those that the operator allowed.
    Addresses = "addresses",
    /// What would take long to compile is refused.
    CompileEffort = "compile-effort",
    /// The process that compiles has bounds in time and memory.
    CompileBounds = "compile-bounds",
    /// A component uses what WebAssembly has for connectors, and nothing else of it.
    WasmFeatures = "wasm-features",
    /// Looking at a component has an end, whatever it is made of.
    InspectionBounds = "inspection-bounds",
    /// The environment's proxies are ignored.
    EnvironmentProxies = "environment-proxies",
    /// Redirects are not followed.
    Redirects = "redirects",
    /// The upstream's certificate is checked.
    Certificates = "certificates",
    /// Connectors set only harmless headers and those of their manifest.
    RequestHeaders = "request-headers",
    /// No manifest gets leave for the host's own headers.
    HostHeaders = "host-headers",
    /// Reading operations only GET and HEAD.
    ReadingOperations = "reading-operations",
    /// A read-only connection only GETs and HEADs.
    ReadOnly = "read-only",
    /// A dry run sends no write.
    DryRun = "dry-run",
    /// Nothing is sent once an operation has ended.
    OutsideOperations = "outside-operations",
    /// A credential goes only where its setting points.
    CredentialScope = "credential-scope",
    /// Echoes of a credential are taken out of answers.
    Scrubbing = "scrubbing",
    /// What says why there is no answer holds nothing that somebody else said unscrubbed.
    SafeText = "safe-text",
    /// A secret that the wire would change is refused.
    SecretCharacters = "secret-characters",
    /// A connector sends no credential of its own.
    OwnCredentials = "own-credentials",
    /// An encoded answer to a credentialed request is withheld.
    EncodedAnswers = "encoded-answers",
    /// Session and authentication headers do not reach the guest.
    HiddenHeaders = "hidden-headers",
    /// A secret file that others can read is refused.
    SecretFiles = "secret-files",
    /// What holds people's data or secrets is a new file, which its owner alone can read.
    PrivateFiles = "private-files",
    /// The lock of a run stands where no other user can hold, make or replace it.
    PrivateLock = "private-lock",
    /// Of a list as much is read as the host takes of it.
    ListsBySize = "lists-by-size",
    /// What the host does for a guest is counted for as long as it takes.
    HostWork = "host-work",
    /// Each operation has a sandbox of its own.
    FreshSandbox = "fresh-sandbox",
    /// A guest that computes lets others run.
    Fairness = "fairness",
    /// A connection's operations take a few places and not all.
    Share = "share",
    /// Connections to a review that say nothing make room.
    ReviewConnections = "review-connections",
    /// Results are held against the contract.
    Promises = "promises",
    /// What a guest says is made fit for terminals and people.
    CalmText = "calm-text",
    /// Whatever the program prints has nothing that a terminal obeys or that cannot be seen.
    CalmTerminal = "calm-terminal",
    /// Nothing of a secret goes to the guest: switched off, it gets one in an answer's header.
    SecretNotInGuest = "secret-not-in-guest",
    /// Nor into the log.
    SecretNotInLog = "secret-not-in-log",
    /// Nor into a trace.
    SecretNotInTrace = "secret-not-in-trace",
    /// Nor into what `Debug` prints.
    SecretNotInDebug = "secret-not-in-debug",
}

impl Mitigation {
    /// Whether it is on, as it is in every build that is not for tests.
    #[cfg(not(feature = "testing"))]
    #[inline]
    pub(crate) const fn is_on(self) -> bool {
        true
    }

    #[cfg(feature = "testing")]
    pub(crate) fn is_on(self) -> bool {
        switched_off() != Some(self.name())
    }
}

/// The limits, less the one that is switched off.
#[cfg(not(feature = "testing"))]
pub(crate) fn in_force(limits: Limits) -> Limits {
    limits
}

#[cfg(feature = "testing")]
pub(crate) fn in_force(limits: Limits) -> Limits {
    match switched_off().and_then(|name| name.strip_prefix("limit-")) {
        Some(key) => limits.without(key),
        None => limits,
    }
}

/// The stack that a guest gets.
#[cfg(not(feature = "testing"))]
pub(crate) const fn stack_in_force(bytes: usize) -> usize {
    bytes
}

#[cfg(feature = "testing")]
pub(crate) fn stack_in_force(bytes: usize) -> usize {
    match switched_off() {
        Some("limit-stack") => crate::limits::MOST_STACK,
        _ => bytes,
    }
}

/// The variable that names the one to be off.
#[cfg(feature = "testing")]
pub(crate) const WITHOUT: &str = "HOST_HARNESS_WITHOUT";

#[cfg(feature = "testing")]
pub(crate) fn switched_off() -> Option<&'static str> {
    static SWITCHED_OFF: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    SWITCHED_OFF
        .get_or_init(|| std::env::var(WITHOUT).ok())
        .as_deref()
}
