//! What is in this component's memory, which it alone can read. `get` tells with the fault
//! `memory`: `holds-` and a text whose bytes are each changed by [`MASK`], in hexadecimal, so that
//! the question does not put there what it asks for; or `touched`, how many pages of 4 KiB hold
//! anything but zeros.

#![allow(
    unsafe_code,
    reason = "a memory is read that is not one object of Rust's"
)]

use connector_8x8::connection::Result;
use connector_8x8::contract::{Account, FailureKind};
use connector_8x8::failure::failure;

use crate::Mutant;

const MASK: u8 = 0x55;
const PAGE: usize = 4 << 10;
#[cfg(target_arch = "wasm32")]
const WASM_PAGE: usize = 64 << 10;

impl Mutant {
    pub(crate) fn remembered(&self, question: &str) -> Result<Account> {
        let answer = match question.strip_prefix("holds-") {
            Some(hexadecimal) => {
                let digits = hexadecimal.as_bytes().chunks(2);
                holds(&digits.filter_map(of_two).collect::<Vec<u8>>()).to_string()
            }
            None => touched().to_string(),
        };
        Err(failure(FailureKind::NotFound, answer))
    }
}

fn touched() -> usize {
    let pages = (0..size() / PAGE).map(|page| page * PAGE);
    let touched = pages.filter(|from| (*from.max(&1)..from + PAGE).any(|at| byte(at) != 0));
    touched.count()
}

fn holds(masked: &[u8]) -> bool {
    (1..=size().saturating_sub(masked.len())).any(|at| {
        let mut masked = masked.iter().enumerate();
        masked.all(|(offset, masked)| byte(at + offset) ^ MASK == *masked)
    })
}

fn of_two(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(target_arch = "wasm32")]
fn size() -> usize {
    core::arch::wasm32::memory_size(0) * WASM_PAGE
}

/// Natively there is no such memory.
#[cfg(not(target_arch = "wasm32"))]
fn size() -> usize {
    0
}

fn byte(at: usize) -> u8 {
    // SAFETY: every caller stays below `size()`, all of which can be read in WebAssembly.
    unsafe { std::ptr::with_exposed_provenance::<u8>(at).read_volatile() }
}
