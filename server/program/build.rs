//! Icon, version and manifest for `belfry.exe`; nothing for other systems.

use std::env;
use std::io;

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../../assets/belfry.ico");
    println!("cargo::rerun-if-changed=../../assets/belfry.manifest");
    if env::var_os("CARGO_CFG_WINDOWS").is_none() {
        return Ok(());
    }
    let mut resource = winresource::WindowsResource::new();
    resource
        .set("ProductName", "Belfry")
        .set("FileDescription", "Belfry server and command line")
        .set("OriginalFilename", "belfry.exe")
        .set("LegalCopyright", "MIT or Apache-2.0")
        .set_icon("../../assets/belfry.ico")
        .set_manifest_file("../../assets/belfry.manifest");
    resource.compile_for("belfry")
}
