//! `harness check`: whether a connection works.

use super::connect::connect;
use super::options::{Options, Stop};
use super::output::{Output, notices};
use super::terminal::Text;
use crate::contract::Notice;
use crate::json;

pub(super) async fn run(options: &Options, output: Output) -> Result<(), Stop> {
    let connected = connect(options).await?;
    let connection = &connected.connection;
    let result = connection.check().await;
    connected.finish()?;
    let mut report = result?;
    for grant in connection.granted() {
        if grant.is_bare_origin() {
            report.notices.push(Notice {
                code: "grant-is-a-whole-origin".to_owned(),
                attribute: None,
                message: format!(
                    "The setting `{}` has no path, so it grants the whole of {grant}. The \
                     connector asked for a part of it, and is held to that. Paste the address \
                     with its path to grant no more.",
                    grant.setting()
                ),
            });
        }
    }
    output.answer(
        || json::check(&report),
        || {
            let reach: Vec<_> = connection.reach().iter().map(ToString::to_string).collect();
            let mut text = format!(
                "ok: {} answers at {}\n",
                connection.manifest().title,
                reach.join(", ")
            );
            if let Some(upstream) = &report.upstream {
                text.push_str(&format!("upstream: {upstream}\n"));
            }
            text.push_str(match report.writable {
                Some(true) => "It can be written to.\n",
                Some(false) => "It can only be read.\n",
                None => "Whether it can be written to shows only in writing.\n",
            });
            let mut text = Text::from(text);
            text.push_text(&notices(&report.notices));
            text
        },
    );
    Ok(())
}
