#!/bin/sh
# Unpacks Emacs 30, lsp-mode 9 and Helix from Debian into the folder named, beside what this machine
# has installed, and leaves bin/emacs30 and bin/hx there. Needs apt, and elpa-lsp-mode's companions.
set -eu
mkdir -p "$1" && cd "$1"
to=$PWD
rm -rf apt emacs helix
mkdir -p apt/lists/partial apt/archives/partial emacs helix bin
: >apt/status
key='[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]'
from=http://deb.debian.org/debian
printf 'deb %s %s trixie main\ndeb %s %s bookworm-backports main\n' "$key" $from "$key" $from \
  >apt/sources.list
cat >apt/apt.conf <<END
Dir::State "$to/apt"; Dir::State::status "$to/apt/status"; Dir::Cache "$to/apt";
Dir::Etc::sourcelist "$to/apt/sources.list"; Dir::Etc::sourceparts "/dev/null";
Acquire::Languages "none"; APT::Sandbox::User "root";
END
export APT_CONFIG="$to/apt/apt.conf"
apt-get update -qq
cd apt/archives
old=bookworm-backports new=trixie
apt-get download -qq emacs-nox/$old emacs-common/$old emacs-bin-common/$old \
  hx/$new libc6/$new libgcc-s1/$new elpa-lsp-mode/$new
unset APT_CONFIG
apt-get download -qq -o APT::Sandbox::User=root libtree-sitter0
for package in emacs-*.deb libtree-*.deb elpa-*.deb; do dpkg-deb -x "$package" "$to/emacs"; done
for package in hx_*.deb libc6_*.deb libgcc-*.deb; do dpkg-deb -x "$package" "$to/helix"; done
rm -f ./*.deb

# lsp-mode 9 with what it needs, of those that the other Emacs has here.
lisp="$to/emacs/usr/share/emacs"
elpa="$lisp/site-lisp/elpa"
mkdir -p "$elpa"
for package in dash f ht lv markdown-mode s spinner; do
  cp -rL /usr/share/emacs/site-lisp/elpa-src/$package-[0-9]* "$elpa/"
done
mv "$lisp"/site-lisp/elpa-src/lsp-mode-* "$elpa/"

# It looks for its own parts below /usr, where another version's are.
path=$lisp/site-lisp:$(find "$lisp"/30.1/lisp -type d ! -name obsolete ! -name term | tr '\n' ':')
dump=$(find "$to/emacs" -name 'emacs-*.pdmp')
cat >"$to/bin/emacs30" <<END
#!/bin/sh
export EMACSLOADPATH='${path%:}' EMACSDATA='$lisp/30.1/etc' EMACSDOC='$lisp/30.1/etc'
export EMACSPATH='${dump%/*}' LD_LIBRARY_PATH='$to/emacs/usr/lib/x86_64-linux-gnu'
exec '$to/emacs/usr/bin/emacs-nox' --dump-file='$dump' "\$@"
END

# It is made for a newer C library, which comes with its own loader.
libraries="$to/helix/usr/lib/x86_64-linux-gnu"
cat >"$to/bin/hx" <<END
#!/bin/sh
export HELIX_RUNTIME='$to/helix/usr/lib/hx/runtime'
exec '$libraries/ld-linux-x86-64.so.2' --library-path '$libraries' '$to/helix/usr/lib/hx/hx' "\$@"
END
chmod +x "$to/bin/emacs30" "$to/bin/hx"
# Without its clients for 150 languages: they would take a minute.
cd "$elpa"
rm -f ./*/*-pkg.elc
"$to/bin/emacs30" --batch --eval "(package-initialize)" --eval "(setq byte-compile-warnings nil)" \
  -f batch-byte-compile dash-*/dash.el f-*/f*.el ht-*/ht.el lv-*/lv.el s-*/s.el \
  spinner-*/spinner.el markdown-mode-*/markdown-mode.el lsp-mode-*/lsp-mode.el \
  lsp-mode-*/lsp-protocol.el lsp-mode-*/lsp-completion.el lsp-mode-*/lsp-diagnostics.el \
  lsp-mode-*/lsp-headerline.el lsp-mode-*/lsp-modeline.el lsp-mode-*/lsp-lens.el \
  >"$to/compiled.log" 2>&1
