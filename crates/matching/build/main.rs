//! Makes the tables of legal forms and of providers of free mail out of the lists that others keep
//! in `third_party`, so that the program holds them ready and parses nothing at its start.

#[path = "../src/name/fold.rs"]
#[expect(unreachable_pub, reason = "shared with the crate, which publishes it")]
mod fold;
mod free_mail;
mod legal_forms;

use std::{
    error::Error,
    fs, io,
    path::{Path, PathBuf},
};

/// Where the lists lie, from this crate.
const THIRD_PARTY: &str = "../../third_party";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=src/name/fold.rs");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    let free_mail = free_mail::table(&list("freemail/free.txt")?);
    fs::write(out.join("free_mail.rs"), free_mail)?;
    let rigour = list("rigour/org_types.json")?;
    let elf = list("iso20275/elf-2023-09-28.csv")?;
    fs::write(
        out.join("legal_forms.rs"),
        legal_forms::table(&rigour, &elf)?,
    )?;
    Ok(())
}

fn list(name: &str) -> io::Result<String> {
    let path = Path::new(THIRD_PARTY).join(name);
    println!("cargo::rerun-if-changed={}", path.display());
    fs::read_to_string(path)
}
