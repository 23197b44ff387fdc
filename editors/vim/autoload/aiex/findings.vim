" What an analysis finds, as a quickfix list; what is known to be wrong with a line.

let s:types = {'error': 'E', 'warning': 'W', 'information': 'I', 'hint': 'N'}

" Shows the findings as a quickfix list, and a review without any as a text.
function! aiex#findings#show(buffer, output) abort
  let l:items = []
  for l:line in a:output
    let l:found = matchlist(l:line, '\v^.{-}:(\d+):(\d+): (\w+): (.*)$')
    if !empty(l:found) && has_key(s:types, l:found[3])
      " The tool counts characters, Vim bytes.
      let l:text = get(getbufline(a:buffer, str2nr(l:found[1])), 0, '')
      let l:column = byteidx(l:text, l:found[2] - 1)
      call add(l:items, {'bufnr': a:buffer, 'lnum': str2nr(l:found[1]),
            \ 'col': l:column < 0 ? 1 : l:column + 1, 'type': s:types[l:found[3]],
            \ 'text': l:found[4]})
    endif
  endfor
  if empty(l:items)
    return aiex#window#show(a:output)
  endif
  silent doautocmd <nomodeline> QuickFixCmdPre aiex
  call setqflist([], ' ', {'title': ':Aiex analyze', 'items': l:items})
  silent doautocmd <nomodeline> QuickFixCmdPost aiex
  let l:here = win_getid()
  botright cwindow
  call win_gotoid(l:here)
endfunction

" Returns what ALE, the location list or the quickfix list says about this line.
function! aiex#findings#here() abort
  let l:known = get(get(get(g:, 'ale_buffer_info', {}), bufnr(''), {}), 'loclist', [])
  for l:item in l:known + getloclist(0) + getqflist()
    if get(l:item, 'lnum') == line('.') && get(l:item, 'bufnr', bufnr('')) == bufnr('')
      return l:item.text
    endif
  endfor
  return ''
endfunction
