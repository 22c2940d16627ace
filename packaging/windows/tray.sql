-- What wixl cannot say about tray.wxs, one statement a line, carried out by scripts/package-windows. @…@ are filled in there.

-- Without a version in its row, the installer takes the program for an unversioned file and keeps an older one that has a version.
UPDATE `File` SET `Version`='@VERSION@.0', `Language`='1033' WHERE `File`='TrayProgram'
DELETE FROM `MsiFileHash` WHERE `File_`='TrayProgram'

-- Only what was given is written. 276: 64 bit, known by its registry value, and permanent, so that an upgrade that is told nothing of
-- the server keeps it; the last statement takes both values away when the program goes for good.
UPDATE `Component` SET `Condition`='AUTOSTART<>"0"' WHERE `Component`='Autostart'
UPDATE `Component` SET `Condition`='SERVER', `Attributes`=276 WHERE `Component`='Server'
UPDATE `Component` SET `Condition`='SERVERKEY', `Attributes`=276 WHERE `Component`='ServerKey'
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('ForgetServer', 3170, 'INSTALLDIR', '"[System64Folder]reg.exe" delete HKLM\SOFTWARE\Belfry /f')
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('ForgetServer', 'REMOVE~="ALL" AND NOT UPGRADINGPRODUCTCODE', 3450)

-- Properties of a command line reach the part of the installer that has its rights only when they are named here.
UPDATE `Property` SET `Value`='AUTOSTART;SERVER;SERVERKEY;WIX_DOWNGRADE_DETECTED;WIX_UPGRADE_DETECTED' WHERE `Property`='SecureCustomProperties'

-- Notices of the system (toasts) come only from a program that a shortcut with this name stands for; belfry-tray.exe says the same of itself.
CREATE TABLE `MsiShortcutProperty` (`MsiShortcutProperty` CHAR(72) NOT NULL, `Shortcut_` CHAR(72) NOT NULL, `PropertyKey` CHAR(0) NOT NULL, `PropVariantValue` CHAR(0) NOT NULL PRIMARY KEY `MsiShortcutProperty`)
INSERT INTO `MsiShortcutProperty` (`MsiShortcutProperty`, `Shortcut_`, `PropertyKey`, `PropVariantValue`) VALUES ('TrayIdentity', 'TrayShortcut', 'System.AppUserModel.ID', 'Belfry.Tray')
