" The command line tool as a job: texts stream into a window, edits land in the buffer.

let s:texts = ['explain', 'analyze', 'prompt', 'doctor', 'providers', 'usage']
let s:edits = ['fix', 'document', 'refactor']
let s:job = v:null

" Returns the tasks that begin with what was typed.
function! aiex#complete(lead, line, pos) abort
  return filter(s:texts + s:edits + ['tests', 'run', 'stop'], {_, name -> stridx(name, a:lead) == 0})
endfunction

" Does a task about lines of this buffer; further words are what to do.
function! aiex#run(lines, task, ...) abort
  let l:text = join(a:000)
  if a:task ==# 'stop'
    return s:Stop()
  elseif s:job isnot v:null && job_status(s:job) ==# 'run'
    return s:Say('A task is running: `:Aiex stop` ends it')
  elseif index(s:texts + s:edits + ['tests', 'run'], a:task) < 0
    return s:Say(a:task . ' is no task')
  elseif a:task ==# 'run' && !a:0
    return s:Say('Which template? `:Aiex run NAME`; `aiex-lsp templates list` names them')
  endif
  let l:program = get(g:, 'aiex_program', 'aiex-lsp')
  if !executable(l:program)
    return s:Say(l:program . ' is not on PATH: install it, or set g:aiex_program')
  endif
  if index(['doctor', 'providers', 'usage'], a:task) >= 0
    return s:Text([l:program, a:task], a:task)
  elseif empty(expand('%'))
    return s:Say('Save the buffer under a name first')
  endif
  " The tool reads the file.
  silent update
  let l:place = expand('%:p') . ':' . a:lines
  if a:task ==# 'prompt'
    call s:Text([l:program, 'prompt', empty(l:text) ? 'explain' : l:text, l:place], a:task)
  elseif index(s:texts, a:task) >= 0
    call s:Text([l:program, a:task, l:place], a:task)
  elseif a:task ==# 'run'
    let l:command = [l:program, 'run', a:1, l:place]
    for l:variable in a:000[1:]
      let l:command += ['--var', l:variable]
    endfor
    call s:Start(l:command, function('s:Ran', [bufnr(''), a:1]))
  elseif a:task ==# 'tests'
    call s:Start([l:program, 'tests', l:place, '--apply'], function('s:Tests', [expand('%:p:h')]))
  else
    let l:command = [l:program, a:task, l:place]
    if a:task ==# 'fix'
      let l:text = empty(l:text) ? s:Diagnostic() : l:text
      if empty(l:text)
        return s:Say('No diagnostic on this line: `:Aiex fix WHAT IS WRONG`')
      endif
      let l:command += ['--diagnostic', l:text]
    elseif !empty(l:text)
      let l:command += ['--instruction', l:text]
    endif
    call s:Start(l:command, function('s:Edit', [bufnr('')]))
  endif
endfunction

" Returns what ALE or the location list says about this line.
function! s:Diagnostic() abort
  let l:known = get(get(get(g:, 'ale_buffer_info', {}), bufnr(''), {}), 'loclist', [])
  for l:item in l:known + getloclist(0) + getqflist()
    if get(l:item, 'lnum') == line('.') && get(l:item, 'bufnr', bufnr('')) == bufnr('')
      return l:item.text
    endif
  endfor
  return ''
endfunction

" Runs a command; Done gets the lines of its output when it went well.
function! s:Start(command, Done) abort
  let l:seen = {'out': [], 'err': []}
  let s:job = job_start(a:command, {
        \ 'out_cb': {_, line -> add(l:seen.out, line)},
        \ 'err_cb': {_, line -> add(l:seen.err, line)},
        \ 'close_cb': {channel -> s:Ended(channel, l:seen, a:Done)},
        \ 'in_io': 'null',
        \ })
  call s:Say(a:command[1] . '…')
endfunction

function! s:Ended(channel, seen, Done) abort
  let l:job = ch_getjob(a:channel)
  " The end of the output may come before that of the program.
  for l:try in range(100)
    if job_status(l:job) !=# 'run'
      break
    endif
    sleep 10m
  endfor
  let l:said = join(filter(copy(a:seen.err), '!empty(v:val)'), ' ')
  if job_info(l:job).exitval != 0
    return s:Say(empty(l:said) ? 'stopped' : l:said)
  endif
  call a:Done(a:seen.out)
  if !empty(l:said)
    call s:Say(l:said)
  endif
endfunction

function! s:Stop() abort
  if s:job is v:null || job_status(s:job) !=# 'run'
    return s:Say('Nothing is running')
  endif
  call job_stop(s:job, 'int')
endfunction

function! s:Say(text) abort
  echomsg 'aiex: ' . a:text
  redraw
endfunction

" Streams a command's output into the window of answers.
function! s:Text(command, title) abort
  let l:buffer = s:Window()
  let l:seen = {'err': []}
  let s:job = job_start(a:command, {
        \ 'out_cb': {_, line -> s:Append(l:buffer, line)},
        \ 'err_cb': {_, line -> add(l:seen.err, line)},
        \ 'close_cb': {channel -> s:Ended(channel, {'err': l:seen.err, 'out': []}, {_ -> 0})},
        \ 'in_io': 'null',
        \ })
  call s:Say(a:title . '…')
endfunction

function! s:Append(buffer, line) abort
  if getbufline(a:buffer, 1, 2) ==# ['']
    call setbufline(a:buffer, 1, a:line)
  else
    call appendbufline(a:buffer, '$', a:line)
  endif
endfunction

" Returns the buffer of answers, shown beside, empty; the cursor stays where it is.
function! s:Window() abort
  let l:buffer = bufadd('aiex://answer')
  call bufload(l:buffer)
  for [l:name, l:value] in items({'&buftype': 'nofile', '&bufhidden': 'hide', '&swapfile': 0,
        \ '&filetype': 'markdown'})
    call setbufvar(l:buffer, l:name, l:value)
  endfor
  call deletebufline(l:buffer, 1, '$')
  if bufwinid(l:buffer) < 0
    let l:here = win_getid()
    execute 'botright sbuffer' l:buffer
    call win_gotoid(l:here)
  endif
  return l:buffer
endfunction

" Makes the edit of a unified diff in a buffer, as one undo step, or nothing at all of it.
function! s:Edit(buffer, diff) abort
  let l:hunks = s:Hunks(a:diff)
  if empty(l:hunks)
    return s:Say('The model changes nothing')
  elseif !bufexists(a:buffer)
    return s:Say('The buffer is gone; nothing was changed')
  endif
  call bufload(a:buffer)
  let l:name = fnamemodify(bufname(a:buffer), ':t')
  if !getbufvar(a:buffer, '&modifiable')
    return s:Say(l:name . ' is not modifiable; nothing was changed')
  endif
  for l:hunk in l:hunks
    if getbufline(a:buffer, l:hunk.at, l:hunk.at + len(l:hunk.old) - 1) !=# l:hunk.old
      return s:Say('The text was changed at the same place meanwhile; nothing was changed')
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
    call s:Say('changed ' . l:name . ' (not saved)')
  endif
endfunction

" Takes what a template of any kind gave: an edit of the buffer, or a text to read.
function! s:Ran(buffer, template, output) abort
  let l:file = matchstr(get(filter(copy(a:output), 'v:val =~# ''^+++ b/'''), 0, ''), '^+++ b/\zs.*')
  if !empty(l:file) && fnamemodify(bufname(a:buffer), ':p') =~# '\V/' . escape(l:file, '\') . '\$'
    return s:Edit(a:buffer, a:output)
  endif
  let l:shown = s:Window()
  for l:line in a:output
    call s:Append(l:shown, l:line)
  endfor
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

" Shows the file that tests were written to; its name is told from the project's folder.
function! s:Tests(folder, output) abort
  let l:file = matchstr(join(a:output, "\n"), 'wrote \zs[^\n]*')
  let l:path = empty(l:file) ? '' : findfile(l:file, fnameescape(a:folder) . ';')
  if empty(l:path)
    return
  endif
  let l:here = win_getid()
  execute 'belowright split' fnameescape(l:path)
  checktime
  call win_gotoid(l:here)
endfunction
