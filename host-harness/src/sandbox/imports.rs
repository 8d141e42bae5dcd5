//! What a guest may ask of its host: `http.send` and `log.emit`. What it hands over stays in its
//! memory until it is known how much of it is wanted: of a list of a million elements as many
//! are read as the host takes, and one more, by which the list is refused.

use std::borrow::Cow;

use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, HasSelf, Lift, Linker, WasmList, WasmStr};

use super::state::StoreState;
use super::text;
use crate::bindings::types;
use crate::contract::{self, Header, Level, Method, Repeatability};
use crate::limits::{LOG_FIELDS, MANIFEST_ENTRIES};

/// Find any 0.1.x.
const HTTP: &str = "provisioning:connector/http@0.1.0";
const LOG: &str = "provisioning:connector/log@0.1.0";

/// `http.header`, in the guest's memory.
#[derive(ComponentType, Lift)]
#[component(record)]
struct HeaderLine {
    name: WasmStr,
    value: WasmStr,
}

/// `log.field`, in the guest's memory.
#[derive(ComponentType, Lift)]
#[component(record)]
struct Field {
    name: WasmStr,
    value: WasmStr,
}

/// `http.request`, in the guest's memory.
#[derive(ComponentType, Lift)]
#[component(record)]
struct Request {
    method: Method,
    url: WasmStr,
    headers: WasmList<HeaderLine>,
    body: Option<WasmList<u8>>,
    credentials: WasmList<WasmStr>,
    repeatability: Repeatability,
    #[component(name = "delay-ms")]
    delay_ms: u32,
}

/// Everything that the contract lets a connector import.
pub(crate) fn add_to_linker(linker: &mut Linker<StoreState>) -> wasmtime::Result<()> {
    types::add_to_linker::<_, HasSelf<_>>(linker, |state: &mut StoreState| state)?;
    linker.instance(HTTP)?.func_wrap_async(
        "send",
        |mut store: StoreContextMut<'_, StoreState>, (request,): (Request,)| {
            Box::new(async move {
                store.data_mut().note_call();
                let request = request.read(&mut store)?;
                Ok((store.data_mut().send(request).await,))
            })
        },
    )?;
    linker.instance(LOG)?.func_wrap(
        "emit",
        |mut store: StoreContextMut<'_, StoreState>,
         (level, message, fields): (Level, WasmStr, WasmList<Field>)| {
            store.data_mut().note_call();
            if store.data().drops_logs() {
                return Ok(());
            }
            let line = log_line(&mut store, &message, &fields)?;
            store.data_mut().log(level, line);
            Ok(())
        },
    )
}

impl Request {
    /// As much of it as decides what becomes of it.
    fn read(
        self,
        store: &mut StoreContextMut<'_, StoreState>,
    ) -> wasmtime::Result<contract::Request> {
        let limits = &store.data().limits;
        let (headers, body) = (limits.headers, limits.request_bytes);
        let lines = read(store, &self.headers, headers)?;
        let names = read(store, &self.credentials, MANIFEST_ENTRIES)?;
        let text = |text: &WasmStr| text.to_str(&*store).map(Cow::into_owned);
        let header = |line: &HeaderLine| {
            Ok(Header {
                name: text(&line.name)?,
                value: text(&line.value)?,
            })
        };
        Ok(contract::Request {
            method: self.method,
            url: text(&self.url)?,
            headers: lines.iter().map(header).collect::<wasmtime::Result<_>>()?,
            body: self.body.map(|bytes| {
                let bytes = bytes.as_le_slice(&*store);
                let some = one_more_than(body).min(bytes.len());
                bytes.get(..some).unwrap_or(bytes).to_vec()
            }),
            credentials: names.iter().map(text).collect::<wasmtime::Result<_>>()?,
            repeatability: self.repeatability,
            delay_ms: self.delay_ms,
        })
    }
}

/// So many elements of a list, and one more if there is one. All of them at once, since what they
/// hold is counted together against what a call may hand over.
fn read<T: Lift>(
    store: &mut StoreContextMut<'_, StoreState>,
    list: &WasmList<T>,
    most: usize,
) -> wasmtime::Result<Vec<T>> {
    list.iter(&mut *store)?.take(one_more_than(most)).collect()
}

fn one_more_than(most: usize) -> usize {
    most.saturating_add(1)
}

fn log_line(
    store: &mut StoreContextMut<'_, StoreState>,
    message: &WasmStr,
    fields: &WasmList<Field>,
) -> wasmtime::Result<String> {
    let fields = read(store, fields, LOG_FIELDS)?;
    let fields = fields
        .iter()
        .map(|field| Ok((field.name.to_str(&*store)?, field.value.to_str(&*store)?)))
        .collect::<wasmtime::Result<Vec<_>>>()?;
    Ok(text::log_line(&message.to_str(&*store)?, &fields))
}
