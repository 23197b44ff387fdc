" Aiex: asks aiex-lsp about the code under the cursor, without an LSP client. See :help aiex.
" Neovim has a plugin of its own, in the folder beside this one.
if exists('g:loaded_aiex') || has('nvim')
  finish
endif
let g:loaded_aiex = 1

" With a range it is about these lines, else about the symbol around the cursor.
command! -nargs=+ -range -complete=customlist,aiex#complete#words Aiex
      \ call aiex#run(<range> ? <line1> . '-' . <line2> : line('.'), <f-args>)
