" The server for ALE: registered beside the language's own.

let s:filetypes = ['python', 'javascript', 'javascriptreact', 'typescript', 'typescriptreact',
      \ 'go', 'rust', 'java', 'c', 'cpp', 'cs', 'ruby', 'php', 'elixir', 'lua', 'sh']

" Has ALE run the server; says so where there is no ALE once Vim has started.
function! aiex#ale#setup() abort
  " ALE hides all messages but errors; explanations are messages.
  let g:ale_lsp_show_message_severity = get(g:, 'ale_lsp_show_message_severity', 'information')
  let g:ale_lsp_show_message_format = get(g:, 'ale_lsp_show_message_format', '%s')
  if !s:Define()
    if has('vim_starting')
      autocmd VimEnter * ++once call s:Last()
    else
      call s:Last()
    endif
  endif
endfunction

function! s:Last() abort
  if !s:Define()
    call aiex#warn('no ALE: install it, or take out aiex#ale#setup()')
  endif
endfunction

" Returns whether ALE could be told of the server.
function! s:Define() abort
  try
    for l:filetype in s:filetypes
      call ale#linter#Define(l:filetype, {
            \ 'name': 'aiex',
            \ 'lsp': 'stdio',
            \ 'executable': {_ -> aiex#job#program()},
            \ 'command': '%e serve',
            \ 'project_root': function('aiex#ale#root'),
            \ 'language': function('aiex#ale#language'),
            \ })
    endfor
  catch /^Vim\%((\a\+)\)\=:E117:/
    return 0
  endtry
  augroup aiex_ale
    autocmd!
    execute 'autocmd FileType' join(s:filetypes, ',') 'call s:Enable(expand("<amatch>"))'
  augroup END
  if !has('vim_starting') && index(s:filetypes, &filetype) >= 0
    call s:Enable(&filetype)
  endif
  return 1
endfunction

" Adds the server to what ALE runs for a language. Of Python, Go, Rust and Elixir ALE runs a few
" linters only where nothing is set.
function! s:Enable(filetype) abort
  let g:ale_linters = get(g:, 'ale_linters', {})
  if !has_key(g:ale_linters, a:filetype)
    let l:names = map(ale#linter#Get(a:filetype), 'v:val.name')
    if index(l:names, 'aiex') < 0
      let g:ale_linters[a:filetype] = l:names + ['aiex']
    endif
  elseif type(g:ale_linters[a:filetype]) == v:t_list && index(g:ale_linters[a:filetype], 'aiex') < 0
    let g:ale_linters[a:filetype] += ['aiex']
  endif
endfunction

" Returns the project's folder of a buffer, else the file's own.
function! aiex#ale#root(buffer) abort
  let l:folder = expand('#' . a:buffer . ':p:h')
  let l:git = finddir('.git', fnameescape(l:folder) . ';')
  return empty(l:git) ? l:folder : fnamemodify(l:git, ':p:h:h')
endfunction

" Returns the protocol's name of a buffer's language.
function! aiex#ale#language(buffer) abort
  let l:filetype = getbufvar(a:buffer, '&filetype')
  return get({'sh': 'shellscript', 'cs': 'csharp'}, l:filetype, l:filetype)
endfunction
