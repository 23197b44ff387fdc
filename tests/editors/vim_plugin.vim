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

function! s:Run() abort
  let s:seen.completed = getcompletion('Aiex re', 'cmdline') + getcompletion('Aiex e', 'cmdline')
  call cursor(str2nr($AIEX_LINE) + 1, str2nr($AIEX_COLUMN) + 1)
  Aiex explain
  call s:Wait('explanation', {-> s:Answer() =~# 'Nothing is rounded'})
  let s:seen.explanation = s:Answer()
  let s:seen.shown = bufwinid('aiex://answer') > 0
  let s:seen.focus = expand('%:t')
  call s:Wait('its end', {-> s:Said('aiex: desk')})

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
