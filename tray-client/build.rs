//! Compiles the windows' descriptions, where there are to be windows.

fn main() {
    #[cfg(feature = "window")]
    windows();
}

#[cfg(feature = "window")]
fn windows() {
    let configuration = slint_build::CompilerConfiguration::new()
        .with_style("fluent".into())
        .with_bundled_translations("translations")
        // The program says sentences of the same file, and has no names of components.
        .with_default_translation_context(slint_build::DefaultTranslationContext::None)
        .with_debug_info(cfg!(feature = "window-tests"));
    if let Err(error) = slint_build::compile_with_config("ui/windows.slint", configuration) {
        // Cargo shows what a build script says when it fails.
        eprintln!("{error}");
        std::process::exit(1);
    }
}
