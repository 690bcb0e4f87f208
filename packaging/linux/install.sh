#!/bin/sh
# Adds Rotoshot to this user's desktop menu: sh packaging/linux/install.sh [COMMAND]
# COMMAND is the `rotoshot` to start, by default the one of the repository's .venv or else of the PATH.
# `sh packaging/linux/install.sh --remove` takes everything away again.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
data=${XDG_DATA_HOME:-$HOME/.local/share}
entry=$data/applications/rotoshot.desktop
metainfo=$data/metainfo/rotoshot.metainfo.xml
icons=$data/icons/hicolor

refresh() { # menus notice by themselves where these are missing
  command -v update-desktop-database >/dev/null 2>&1 && update-desktop-database -q "$data/applications" || true
  command -v gtk-update-icon-cache >/dev/null 2>&1 && gtk-update-icon-cache -q -t -f "$icons" || true
}

if [ "${1:-}" = --remove ]; then
  rm -f "$entry" "$metainfo" "$icons"/*/apps/rotoshot.png "$icons/scalable/apps/rotoshot.svg"
  refresh
  echo "Rotoshot is no longer in the menu."
  exit 0
fi

command=${1:-}
[ -n "$command" ] || { [ -x "$here/../../.venv/bin/rotoshot" ] && command=$(cd "$here/../../.venv/bin" && pwd)/rotoshot; } || true
[ -n "$command" ] || command=$(command -v rotoshot || true)
if [ -z "$command" ] || [ ! -x "$command" ]; then
  echo "rotoshot: no command to start; run \`make setup\` first, or name it: $0 /path/to/rotoshot" >&2
  exit 1
fi

mkdir -p "$data/applications" "$data/metainfo" "$icons/scalable/apps"
# Quoted as the desktop entry specification asks: the path may hold blanks; `|` and `&` are special to sed.
quoted=$(printf '"%s"' "$command" | sed 's/[|&\\]/\\&/g')
sed -e "s|^Exec=rotoshot|Exec=$quoted|" -e '/^TryExec=/d' "$here/rotoshot.desktop" >"$entry"
cp "$here/rotoshot.metainfo.xml" "$metainfo"
cp "$here/../icons/rotoshot.svg" "$icons/scalable/apps/rotoshot.svg"
for picture in "$here"/../icons/rotoshot-*.png; do
  size=${picture##*rotoshot-}
  size=${size%.png}
  mkdir -p "$icons/${size}x${size}/apps"
  cp "$picture" "$icons/${size}x${size}/apps/rotoshot.png"
done
refresh
echo "Rotoshot is in the menu; it starts $command"
