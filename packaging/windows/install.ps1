# Installs Rotoshot for this user: a virtual environment, the packages, and an entry in the Start menu.
#   powershell -ExecutionPolicy Bypass -File packaging\windows\install.ps1
# -Folder says where the environment goes; -Remove takes everything away again.
param(
    [string]$Folder = (Join-Path $env:LOCALAPPDATA "Rotoshot"),
    [switch]$Remove
)
$ErrorActionPreference = "Stop"
$source = (Resolve-Path (Join-Path $PSScriptRoot "..\..")).Path
$shortcut = Join-Path ([Environment]::GetFolderPath("Programs")) "Rotoshot.lnk"

if ($Remove) {
    Remove-Item $shortcut, $Folder -Recurse -Force -ErrorAction SilentlyContinue
    Write-Host "Rotoshot is removed."
    exit 0
}

$python = Get-Command py, python -ErrorAction SilentlyContinue | Select-Object -First 1
if (-not $python) {
    Write-Error "Python is not installed; get 3.11 or later from https://www.python.org/downloads/ and run this again."
}
& $python.Source -c "import sys; sys.exit(sys.version_info < (3, 11))"
if ($LASTEXITCODE -ne 0) { Write-Error "This Python is older than 3.11; install a later one and run this again." }

& $python.Source -m venv $Folder
& (Join-Path $Folder "Scripts\python.exe") -m pip install --disable-pip-version-check $source
if ($LASTEXITCODE -ne 0) { Write-Error "pip failed; its message stands above." }
Copy-Item (Join-Path $source "packaging\icons\rotoshot.ico") $Folder

$link = (New-Object -ComObject WScript.Shell).CreateShortcut($shortcut)
$link.TargetPath = Join-Path $Folder "Scripts\pythonw.exe"
$link.Arguments = "-m app"
$link.IconLocation = Join-Path $Folder "rotoshot.ico"
$link.Description = "Mark an object on one frame, get it cut out of every frame"
$link.Save()
Write-Host "Rotoshot is in the Start menu; on the command line: $(Join-Path $Folder 'Scripts\rotoshot.exe')"
