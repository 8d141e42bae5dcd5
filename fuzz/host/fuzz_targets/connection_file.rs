//! A connection file of any text is read, or refused with problems that a person can mend.

#![no_main]

use std::path::Path;

use host_harness::{ConnectionFile, Failure};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match ConnectionFile::parse(Path::new("fuzz/acme.toml"), text) {
        Ok(file) => {
            // What was read has to make options, whatever its numbers are.
            let _ = file.host_options();
            let _ = file.options();
        }
        Err(Failure::InvalidSettings { problems }) => {
            assert!(!problems.is_empty(), "refused without a problem");
            for problem in problems {
                assert!(!problem.name.is_empty() && !problem.code.is_empty());
                assert!(!problem.message.is_empty(), "{} without a message", problem.name);
            }
        }
        Err(other) => panic!("a file cannot fail with {other:?}"),
    }
});
