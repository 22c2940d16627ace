-- What wixl cannot say about tray.wxs, one statement a line, carried out by scripts/package-windows. @…@ are filled in there.

-- Without a version in its row, the installer takes the program for an unversioned file and keeps an older one that has a version.
UPDATE `File` SET `Version`='@VERSION@.0', `Language`='1033' WHERE `File`='TrayProgram'
DELETE FROM `MsiFileHash` WHERE `File_`='TrayProgram'

-- Only what was given is written.
UPDATE `Component` SET `Condition`='AUTOSTART<>"0"' WHERE `Component`='Autostart'
UPDATE `Component` SET `Condition`='SERVER' WHERE `Component`='Server'
UPDATE `Component` SET `Condition`='SERVERKEY' WHERE `Component`='ServerKey'

-- What an earlier version was told counts where nothing is told now; a key only for the server it belongs to, hence its turn comes first.
-- 18: a plain value, in the 64 bit registry. 51: a property gets a text.
UPDATE `RegLocator` SET `Type`=18
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('KeepServerKey', 51, 'SERVERKEY', '[OLDSERVERKEY]')
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('KeepServer', 51, 'SERVER', '[OLDSERVER]')
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('KeepServerKey', 'OLDSERVERKEY AND NOT SERVERKEY AND NOT SERVER', 410)
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('KeepServer', 'OLDSERVER AND NOT SERVER', 420)

-- Properties of a command line reach the part of the installer that has its rights only when they are named here.
UPDATE `Property` SET `Value`='AUTOSTART;SERVER;SERVERKEY;OLDSERVER;OLDSERVERKEY;WIX_DOWNGRADE_DETECTED;WIX_UPGRADE_DETECTED' WHERE `Property`='SecureCustomProperties'

-- Notices of the system (toasts) come only from a program that a shortcut with this name stands for; belfry-tray.exe says the same of itself.
CREATE TABLE `MsiShortcutProperty` (`MsiShortcutProperty` CHAR(72) NOT NULL, `Shortcut_` CHAR(72) NOT NULL, `PropertyKey` CHAR(0) NOT NULL, `PropVariantValue` CHAR(0) NOT NULL PRIMARY KEY `MsiShortcutProperty`)
INSERT INTO `MsiShortcutProperty` (`MsiShortcutProperty`, `Shortcut_`, `PropertyKey`, `PropVariantValue`) VALUES ('TrayIdentity', 'TrayShortcut', 'System.AppUserModel.ID', 'Belfry.Tray')
