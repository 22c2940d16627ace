//! Compiles the windows' descriptions, where there are to be windows; icon, version and manifest for `belfry-tray.exe`.

fn main() {
    #[cfg(feature = "window")]
    if let Err(sentence) = descriptions().and_then(|()| resources()) {
        // Cargo shows what a build script says when it fails.
        eprintln!("{sentence}");
        std::process::exit(1);
    }
}

#[cfg(feature = "window")]
fn descriptions() -> Result<(), String> {
    let configuration = slint_build::CompilerConfiguration::new()
        .with_style("fluent".into())
        .with_bundled_translations("translations")
        // The program says sentences of the same file, and has no names of components.
        .with_default_translation_context(slint_build::DefaultTranslationContext::None)
        .with_debug_info(cfg!(feature = "window-tests"));
    slint_build::compile_with_config("ui/windows.slint", configuration).map_err(|error| error.to_string())
}

#[cfg(feature = "window")]
fn resources() -> Result<(), String> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../assets/belfry.ico");
    println!("cargo::rerun-if-changed=../assets/belfry.manifest");
    if std::env::var_os("CARGO_CFG_WINDOWS").is_none() {
        return Ok(());
    }
    let mut resource = winresource::WindowsResource::new();
    resource
        .set("ProductName", "Belfry")
        // The name under which Windows lists the program: task manager, notification area, firewall.
        .set("FileDescription", "Belfry")
        .set("OriginalFilename", "belfry-tray.exe")
        .set("LegalCopyright", "MIT or Apache-2.0")
        .set_icon("../assets/belfry.ico")
        .set_manifest_file("../assets/belfry.manifest");
    resource.compile_for("belfry-tray").map_err(|error| error.to_string())
}
