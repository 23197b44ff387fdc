" Aiex: asks aiex-lsp about the code under the cursor, without an LSP client.
if exists('g:loaded_aiex') || !has('job')
  finish
endif
let g:loaded_aiex = 1

" :Aiex explain | analyze | tests | fix | document | refactor [what to do] | stop
" :Aiex run TEMPLATE [name=value ...] | prompt [task] | doctor | providers | usage
" With a range it is about these lines, else about the symbol around the cursor.
command! -nargs=+ -range -complete=customlist,aiex#complete Aiex
      \ call aiex#run(<range> ? <line1> . '-' . <line2> : line('.'), <f-args>)
