-- What wixl cannot say about server.wxs, one statement a line, carried out by scripts/package-windows. @…@ are filled in there.

-- Without a version in its row, the installer takes the program for an unversioned file and keeps an older one that has a version.
UPDATE `File` SET `Version`='@VERSION@.0', `Language`='1033' WHERE `File`='ServerProgram'
DELETE FROM `MsiFileHash` WHERE `File_`='ServerProgram'

-- The data folder holds the server's key and password hashes: for the system, administrators and the service's own account alone.
CREATE TABLE `MsiLockPermissionsEx` (`MsiLockPermissionsEx` CHAR(72) NOT NULL, `LockObject` CHAR(72) NOT NULL, `Table` CHAR(32) NOT NULL, `SDDLText` CHAR(0) NOT NULL, `Condition` CHAR(255) PRIMARY KEY `MsiLockPermissionsEx`)
INSERT INTO `MsiLockPermissionsEx` (`MsiLockPermissionsEx`, `LockObject`, `Table`, `SDDLText`) VALUES ('DataIsPrivate', 'DATADIR', 'CreateFolder', 'D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1301bf;;;@SERVICE@)')

-- The firewall lets clients in, to this program only. 3170: a program that the installer's service runs with its own rights; a firewall
-- that is switched off or ruled by policy fails nothing.
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('OpenFirewall', 3170, 'INSTALLDIR', '"[System64Folder]netsh.exe" advfirewall firewall add rule name="Belfry Server" dir=in action=allow protocol=UDP program="[INSTALLDIR]belfry.exe" profile=domain,private')
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('CloseFirewall', 3170, 'INSTALLDIR', '"[System64Folder]netsh.exe" advfirewall firewall delete rule name="Belfry Server"')
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('CloseFirewall', 'REMOVE~="ALL" AND FIREWALL<>"0"', 3450)
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('OpenFirewall', 'NOT Installed AND FIREWALL<>"0"', 5850)
