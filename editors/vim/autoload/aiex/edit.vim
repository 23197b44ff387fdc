" Edits: the hunks of a unified diff, made in a buffer.

" Makes the edit of a unified diff in a buffer, as one undo step, or nothing at all of it.
function! aiex#edit#apply(buffer, diff) abort
  let l:dos = getbufvar(a:buffer, '&fileformat') ==# 'dos'
  let l:hunks = s:Hunks(l:dos ? map(copy(a:diff), {_, line -> trim(line, "\r", 2)}) : a:diff)
  if empty(l:hunks)
    return aiex#say('The model changes nothing')
  elseif !bufexists(a:buffer)
    return aiex#warn('The buffer is gone; nothing was changed')
  endif
  call bufload(a:buffer)
  let l:name = fnamemodify(bufname(a:buffer), ':t')
  if !getbufvar(a:buffer, '&modifiable')
    return aiex#warn(l:name . ' is not modifiable; nothing was changed')
  endif
  for l:hunk in l:hunks
    if getbufline(a:buffer, l:hunk.at, l:hunk.at + len(l:hunk.old) - 1) !=# l:hunk.old
      return aiex#warn('The text was changed at the same place meanwhile; nothing was changed')
    endif
  endfor
  " What was typed before is an undo step of its own.
  call setbufvar(a:buffer, '&undolevels', getbufvar(a:buffer, '&undolevels'))
  for l:hunk in reverse(l:hunks)
    call appendbufline(a:buffer, l:hunk.at + len(l:hunk.old) - 1, l:hunk.new)
    if !empty(l:hunk.old)
      silent call deletebufline(a:buffer, l:hunk.at, l:hunk.at + len(l:hunk.old) - 1)
    endif
  endfor
  if a:buffer != bufnr('')
    call aiex#say('changed ' . l:name . ' (not saved)')
  endif
endfunction

" Returns the changes of a diff: the line each begins at, the lines before and after it.
function! s:Hunks(diff) abort
  let l:hunks = []
  let l:at = 0
  for l:line in a:diff
    let l:head = matchlist(l:line, '^@@ -\(\d\+\)\(,\d\+\)\? ')
    if !empty(l:head)
      " An insertion stands after the line it names.
      let l:at = str2nr(l:head[1]) + (l:head[2] ==# ',0' ? 1 : 0)
      let l:open = 0
    elseif l:at == 0 || l:line[0] ==# '\'
      continue
    elseif l:line =~# '^[-+]'
      if !l:open
        call add(l:hunks, {'at': l:at, 'old': [], 'new': []})
        let l:open = 1
      endif
      call add(l:line[0] ==# '-' ? l:hunks[-1].old : l:hunks[-1].new, l:line[1:])
      let l:at += l:line[0] ==# '-'
    else
      let l:open = 0
      let l:at += 1
    endif
  endfor
  return l:hunks
endfunction
