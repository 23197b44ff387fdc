" A programmer at Vim with the commands of the page: what they do and see, as JSON in $AIEX_SEEN.
let s:seen = {'said': []}

function! s:Leave() abort
  let s:seen.messages = execute('messages')
  call writefile([json_encode(s:seen)], $AIEX_SEEN)
  qall!
endfunction

function! s:Wait(what, Condition) abort
  for l:try in range(500)
    if a:Condition()
      return
    endif
    sleep 20m
  endfor
  let s:seen.stuck = a:what
  call s:Leave()
endfunction

function! s:Answer() abort
  return join(getbufline('aiex://answer', 1, '$'), "\n")
endfunction

function! s:Said(text) abort
  return execute('messages') =~# a:text
endfunction

" Runs a command when the one before it has ended.
function! s:Next(command) abort
  for l:try in range(500)
    messages clear
    execute a:command
    if !s:Said('A task is running')
      return
    endif
    sleep 20m
  endfor
  call s:Wait('the end of the task before ' . a:command, {-> v:false})
endfunction

function! s:Text() abort
  return join(getline(1, '$'), "\n") . "\n"
endfunction

" Runs an editing command, and takes it back.
function! s:Changed(name, command) abort
  let l:before = s:Text()
  call cursor(str2nr($AIEX_LINE) + 1, str2nr($AIEX_COLUMN) + 1)
  messages clear
  execute a:command
  call s:Wait(a:name, {-> s:Said('aiex: desk')})
  let s:seen[a:name] = s:Text()
  silent undo
  let s:seen[a:name . '_undone'] = s:Text() ==# l:before
endfunction

" Returns what a command says at once.
function! s:Told(command) abort
  messages clear
  execute a:command
  return trim(execute('messages'))
endfunction

function! s:Help() abort
  call mkdir($HOME . '/help/doc', 'p')
  for l:folder in split(&runtimepath, ',')
    if filereadable(l:folder . '/doc/aiex.txt') && filereadable(l:folder . '/autoload/aiex.vim')
      call writefile(readfile(l:folder . '/doc/aiex.txt'), $HOME . '/help/doc/aiex.txt')
    endif
  endfor
  execute 'helptags' $HOME . '/help/doc'
  execute 'set runtimepath+=' . $HOME . '/help'
  let s:seen.help = []
  for l:tag in [':Aiex', 'aiex-ale', 'aiex#status()', 'g:aiex_program']
    execute 'help' l:tag
    if expand('%:p') ==# $HOME . '/help/doc/aiex.txt' && stridx(getline('.'), '*' . l:tag . '*') >= 0
      call add(s:seen.help, l:tag)
    endif
    helpclose
  endfor
endfunction

" Buffers that are no file, and one that cannot be saved.
function! s:NoFile() abort
  new
  let s:seen.unnamed = s:Told('Aiex explain')
  file scp://somewhere/prices.py
  let s:seen.remote = s:Told('Aiex explain')
  setlocal buftype=nofile
  let s:seen.terminal = s:Told('Aiex explain')
  bwipeout!
  new prices.txt
  setlocal readonly
  silent! call setline(1, 'changed')
  let s:seen.readonly = s:Told('Aiex explain')
  bwipeout!
endfunction

" The findings of an analysis are a quickfix list, and one of them is fixed.
function! s:Findings() abort
  autocmd QuickFixCmdPost aiex let s:seen.list_fired = 1
  call s:Next('Aiex analyze')
  call s:Wait('findings', {-> s:Said('aiex: desk')})
  let s:seen.findings = map(getqflist(), {_, one -> {'lnum': one.lnum, 'type': one.type,
        \ 'text': one.text, 'name': bufname(one.bufnr)->fnamemodify(':t')}})
  let l:list = getqflist({'title': 1, 'winid': 1})
  let s:seen.list = [l:list.title, l:list.winid > 0, expand('%:t')]
  cfirst
  messages clear
  Aiex fix
  call s:Wait('the fix of a finding', {-> s:Said('aiex: desk')})
  let s:seen.by_finding = s:Text()
  silent undo
  call setqflist([])
  cclose
endfunction

" A file whose lines end as those of Windows do.
function! s:Dos() abort
  let l:prices = readfile('prices.py')
  call writefile(map(l:prices, 'v:val . "\r"'), 'dos.py')
  edit dos.py
  let s:seen.dos_format = &fileformat
  call s:Changed('dos', 'Aiex refactor put the discount first')
  silent write
  edit! prices.py
  call cursor(str2nr($AIEX_LINE) + 1, str2nr($AIEX_COLUMN) + 1)
endfunction

function! s:Run() abort
  let s:seen.mapped = filter(split(execute('map') . execute('map!'), "\n"), 'v:val =~? "aiex"')
  let s:seen.completed = {}
  for l:line in ['Aiex re', "'<,'>Aiex e", 'Ai explain ', 'Aiex analyze s', 'Aiex prompt t',
        \ 'Aiex run beg', 'Aiex run refactor ins', 'Aiex stop ']
    let s:seen.completed[l:line] = getcompletion(l:line, 'cmdline')
  endfor
  let s:seen.wrong = s:Told('Aiex explian')
  let s:seen.no_ale = s:Told('call aiex#ale#setup()')
  call s:Help()
  call s:NoFile()

  call cursor(str2nr($AIEX_LINE) + 1, str2nr($AIEX_COLUMN) + 1)
  Aiex explain
  let s:seen.status = [aiex#status()]
  call s:Wait('explanation', {-> s:Answer() =~# 'Nothing is rounded'})
  let s:seen.explanation = s:Answer()
  let s:seen.shown = bufwinid('aiex://answer') > 0
  let s:seen.focus = expand('%:t')
  call s:Wait('its end', {-> s:Said('aiex: desk')})
  call add(s:seen.status, aiex#status())
  let s:seen.answer_listed = buflisted('aiex://answer')
  call win_gotoid(bufwinid('aiex://answer'))
  normal q
  let s:seen.answer_closed = bufwinid('aiex://answer') < 0

  call s:Next('Aiex explain verbosely')
  call s:Wait('a refusal', {-> s:Said('verbosely')})
  let s:seen.refused = s:Answer()
  call s:Findings()
  call s:Changed('refactored', 'Aiex refactor put the discount first')
  call s:Changed('documented', '4,6Aiex document')
  call s:Changed('fixed', 'Aiex fix the discount is not checked')
  messages clear
  Aiex fix
  let s:seen.nothing_to_fix = s:Said('No diagnostic on this line')

  messages clear
  Aiex refactor do it a moment later
  call append(5, '    prices = list(prices)')
  call setline(7, getline(7) . ' sum')
  call s:Wait('the refusal', {-> s:Said('nothing was changed')})
  let s:seen.stale = s:Text()
  silent undo

  " Templates of one's own: one that tells, one that edits
  messages clear
  Aiex run beginner
  call s:Wait('the template', {-> s:Said('aiex: desk')})
  let s:seen.template = s:Answer()
  call s:Changed('own_edit', 'Aiex run quicker instruction=loops')

  " Reports, and a key of one's own
  for [l:name, l:text] in [['prompt', 'def total'], ['usage', 'desk'], ['doctor', 'gpt-fake']]
    call s:Next('Aiex ' . l:name)
    call s:Wait(l:name, {-> s:Answer() =~# l:text})
    let s:seen[l:name] = s:Answer()
  endfor
  call s:Next('call feedkeys("\\ae", "x")')
  call s:Wait('the key', {-> s:Answer() =~# 'Nothing is rounded'})
  let s:seen.by_key = s:Answer()
  call s:Wait('its end', {-> s:Said('aiex: desk')})

  call s:Dos()

  " Another file is looked at meanwhile; what cannot be changed is left
  call s:Next('Aiex refactor put it first while I look elsewhere')
  edit other.py
  call s:Wait('the hidden edit', {-> s:Said('changed prices.py (not saved)')})
  let s:seen.elsewhere = expand('%:t')
  buffer prices.py
  let s:seen.hidden = s:Text()
  silent undo
  call s:Next('Aiex refactor put it first here')
  setlocal nomodifiable
  call s:Wait('the refusal of the locked', {-> s:Said('prices.py is not modifiable')})
  let s:seen.locked = s:Text()
  setlocal modifiable

  call s:Next('Aiex refactor Never answer')
  Aiex stop
  call s:Wait('the stop', {-> s:Said('aiex: [^r]')})
  let s:seen.stopped = execute('messages')

  messages clear
  Aiex tests
  call s:Wait('tests', {-> bufwinid('test_prices.py') > 0})
  let s:seen.tests = join(getbufline('test_prices.py', 1, '$'), "\n")
  let s:seen.source_after = s:Text()
  call s:Leave()
endfunction

function! s:Start() abort
  try
    call s:Run()
  catch
    let s:seen.stuck = v:exception . ' at ' . v:throwpoint
    call s:Leave()
  endtry
endfunction
autocmd VimEnter * ++nested call s:Start()
