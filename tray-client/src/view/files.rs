//! Files in messages and beside the composer, as Slint has them.

use std::rc::Rc;

use slint::{ModelRc, VecModel};

use super::ui;
use crate::scene::{ChosenRow, FileAction, FileRow};
use crate::words::say;

impl From<FileAction> for ui::FileAction {
    fn from(action: FileAction) -> Self {
        match action {
            FileAction::Save => Self::Save,
            FileAction::SaveAs => Self::SaveAs,
            FileAction::SaveAnyway => Self::SaveAnyway,
            FileAction::DoNotSave => Self::DoNotSave,
            FileAction::Pause => Self::Pause,
            FileAction::Resume => Self::Resume,
            FileAction::Cancel => Self::Cancel,
            FileAction::Show => Self::Show,
        }
    }
}

impl From<ui::FileAction> for FileAction {
    fn from(action: ui::FileAction) -> Self {
        match action {
            ui::FileAction::Save => Self::Save,
            ui::FileAction::SaveAs => Self::SaveAs,
            ui::FileAction::SaveAnyway => Self::SaveAnyway,
            ui::FileAction::DoNotSave => Self::DoNotSave,
            ui::FileAction::Pause => Self::Pause,
            ui::FileAction::Resume => Self::Resume,
            ui::FileAction::Cancel => Self::Cancel,
            ui::FileAction::Show => Self::Show,
        }
    }
}

impl From<FileRow> for ui::FileRow {
    fn from(row: FileRow) -> Self {
        let FileRow { key, stem, ending, size: _, note, why, percent, actions } = row;
        Self {
            key: key.into(),
            stem: stem.into(),
            ending: ending.into(),
            note: say(&note).into(),
            why: say(&why).into(),
            moving: percent.is_some(),
            percent: percent.map_or(0, i32::from),
            actions: if actions.is_empty() {
                ModelRc::default()
            } else {
                ModelRc::from(Rc::new(VecModel::from_iter(actions.into_iter().map(ui::FileAction::from))))
            },
        }
    }
}

impl From<ChosenRow> for ui::ChosenFile {
    fn from(row: ChosenRow) -> Self {
        Self { name: row.name.into(), size: say(&row.size).into() }
    }
}
