//! The program `harness`; see [`host_harness::cli`].

fn main() -> std::process::ExitCode {
    host_harness::cli::main()
}
