" The window of answers: one buffer, shown below, while the cursor stays where it is.

" Returns the buffer of answers, shown and empty.
function! aiex#window#open() abort
  let l:buffer = bufadd('aiex://answer')
  call bufload(l:buffer)
  for [l:name, l:value] in items({'&buftype': 'nofile', '&bufhidden': 'hide', '&swapfile': 0,
        \ '&undolevels': -1, '&filetype': 'markdown'})
    call setbufvar(l:buffer, l:name, l:value)
  endfor
  silent call deletebufline(l:buffer, 1, '$')
  if bufwinid(l:buffer) < 0
    let l:here = win_getid()
    execute 'botright sbuffer' l:buffer
    setlocal nobuflisted wrap linebreak nospell nolist colorcolumn= foldcolumn=0 nofoldenable
    nnoremap <buffer> <nowait> <silent> q :<C-U>close<CR>
    call win_gotoid(l:here)
  endif
  return l:buffer
endfunction

" Adds a line to an answer.
function! aiex#window#append(buffer, line) abort
  if getbufline(a:buffer, 1, 2) ==# ['']
    call setbufline(a:buffer, 1, a:line)
  else
    call appendbufline(a:buffer, '$', a:line)
  endif
endfunction

" Shows lines as an answer.
function! aiex#window#show(lines) abort
  let l:buffer = aiex#window#open()
  for l:line in a:lines
    call aiex#window#append(l:buffer, l:line)
  endfor
endfunction
