" The command line tool as a job: texts stream into a window, edits land in the buffer.

" What `:Aiex` can do, for completion and for `aiex#run`.
let s:texts = ['explain', 'prompt']
let s:reports = ['doctor', 'providers', 'usage']
let s:edits = ['fix', 'document', 'refactor']
let s:others = ['analyze', 'tests', 'run', 'stop']

" Returns the words that may follow `:Aiex`.
function! aiex#names() abort
  return sort(s:texts + s:reports + s:edits + s:others)
endfunction

" Returns what runs, for the statusline: '' where nothing does.
function! aiex#status() abort
  return aiex#job#running()
endfunction

" Does a task about lines of this buffer; further words are what to do.
function! aiex#run(lines, task, ...) abort
  if !has('job')
    return aiex#warn('This Vim has no jobs (:version shows -job); Vim 9 with +job is needed')
  elseif index(aiex#names(), a:task) < 0
    return aiex#warn(a:task . ' is no task; there are ' . join(aiex#names(), ', '))
  elseif a:task ==# 'stop'
    return aiex#job#stop()
  elseif !empty(aiex#job#running())
    return aiex#warn('A task is running: `:Aiex stop` ends it')
  elseif !executable(aiex#job#program())
    return aiex#warn(aiex#job#program() . ' is not on PATH: install it, or set g:aiex_program')
  endif
  if index(s:reports, a:task) >= 0
    return s:Text([a:task] + (a:task ==# 'usage' && a:0 ? ['--days', a:1] : []))
  elseif a:task ==# 'run' && !a:0
    return aiex#warn('Which template? `:Aiex run NAME`; <Tab> names them')
  endif
  let l:why = s:Saved()
  if !empty(l:why)
    return aiex#warn(l:why)
  endif
  call s:Ask(a:task, expand('%:p') . ':' . a:lines, a:000)
endfunction

" Saves the file, which is what the tool reads; returns why it cannot be read, '' where it can.
function! s:Saved() abort
  if !empty(&buftype)
    return 'This window shows no file; go to the code first'
  elseif empty(expand('%'))
    return 'Save the buffer under a name first'
  elseif &modified && &readonly
    return expand('%:t') . ' is read-only and its changes are not saved, which is what would be read'
  endif
  try
    silent update
  catch
    return 'The file cannot be saved: ' . substitute(v:exception, '^Vim\%((\a\+)\)\=:', '', '')
  endtry
  return filereadable(expand('%:p')) ? '' : expand('%') . ' is no file of this machine; save it as one'
endfunction

function! s:Ask(task, place, words) abort
  let l:text = join(a:words)
  let l:buffer = bufnr('')
  if a:task ==# 'explain'
    call s:Text(['explain', a:place] + (empty(l:text) ? [] : ['--level', l:text]))
  elseif a:task ==# 'prompt'
    call s:Text(['prompt', empty(l:text) ? 'explain' : l:text, a:place])
  elseif a:task ==# 'analyze'
    let l:command = ['analyze', a:place] + (empty(l:text) ? [] : ['--type', l:text])
    call aiex#job#start(l:command, function('aiex#findings#show', [l:buffer]))
  elseif a:task ==# 'tests'
    let l:command = ['tests', a:place, '--apply'] + (empty(l:text) ? [] : ['--framework', l:text])
    call aiex#job#start(l:command, function('s:Tests', [expand('%:p:h')]))
  elseif a:task ==# 'run'
    let l:command = ['run', a:words[0], a:place]
    for l:variable in a:words[1:]
      let l:command += ['--var', l:variable]
    endfor
    call aiex#job#start(l:command, function('s:Ran', [l:buffer]))
  else
    if a:task ==# 'fix' && empty(l:text)
      let l:text = aiex#findings#here()
      if empty(l:text)
        return aiex#warn('No diagnostic on this line: `:Aiex fix WHAT IS WRONG`')
      endif
    endif
    let l:option = a:task ==# 'fix' ? '--diagnostic' : '--instruction'
    let l:command = [a:task, a:place] + (empty(l:text) ? [] : [l:option, l:text])
    call aiex#job#start(l:command, function('aiex#edit#apply', [l:buffer]))
  endif
endfunction

" Streams a command's output into the window of answers.
function! s:Text(command) abort
  let l:buffer = aiex#window#open()
  let l:Append = function('aiex#window#append', [l:buffer])
  call aiex#job#start(a:command, {_ -> 0}, l:Append, l:Append)
endfunction

" Says something, and keeps it among the messages.
function! aiex#say(text) abort
  echomsg 'aiex: ' . a:text
  redraw
endfunction

" Says what went wrong and what to do.
function! aiex#warn(text) abort
  echohl WarningMsg
  call aiex#say(a:text)
  echohl None
endfunction

" Takes what a template of any kind gave: an edit of the buffer, or a text to read.
function! s:Ran(buffer, output) abort
  let l:file = matchstr(get(filter(copy(a:output), 'v:val =~# ''^+++ b/'''), 0, ''), '^+++ b/\zs.*')
  if !empty(l:file) && fnamemodify(bufname(a:buffer), ':p') =~# '\V/' . escape(l:file, '\') . '\$'
    return aiex#edit#apply(a:buffer, a:output)
  endif
  call aiex#window#show(a:output)
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
