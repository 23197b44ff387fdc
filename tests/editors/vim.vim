" A programmer at Vim with ALE: what they do, and what they see, as JSON in $AIEX_SEEN.
let s:seen = {}

function! s:Leave() abort
  call writefile([json_encode(s:seen)], $AIEX_SEEN)
  qall!
endfunction

function! s:Wait(what, Condition) abort
  for l:try in range(400)
    if a:Condition()
      return
    endif
    sleep 20m
  endfor
  let s:seen.stuck = a:what
  let s:seen.messages = execute('messages')
  let s:seen.actions = s:menu
  let s:seen.last = s:last
  call s:Leave()
endfunction

" What ALE shows: as an echo or in a preview window, neither of which can be read from a script.
let s:last = ''
function! s:Show(text, ...) abort
  let s:last = a:text
endfunction

function! s:Shown(text) abort
  return stridx(s:last, a:text) >= 0
endfunction

" Hovers until there is something: nothing is told while the file is parsed for the first time.
function! s:Hover() abort
  let s:last = ''
  for l:try in range(8)
    ALEHover
    for l:look in range(50)
      if s:Shown('Sums prices') || s:Shown('hover again')
        return s:last
      endif
      sleep 20m
    endfor
  endfor
  call s:Wait('hover', {-> v:false})
endfunction

let s:menu = ''
function! s:Answer(menu, ...) abort
  let s:menu = a:menu
  return matchstr(a:menu, '\v\d+\ze\) ' . s:pick)
endfunction

function! s:Run() abort
  call cursor(str2nr($AIEX_LINE) + 1, str2nr($AIEX_COLUMN) + 1)
  let s:seen.hover_first = s:Hover()
  for l:try in range(20)
    let s:seen.hover_second = s:Hover()
    if stridx(s:seen.hover_second, 'hover again') < 0
      break
    endif
    sleep 50m
  endfor

  let s:last = ''
  let s:pick = 'Explain'
  ALECodeAction
  call s:Wait('explanation', {-> s:Shown('Nothing is rounded')})
  let s:seen.actions = s:menu
  let s:seen.explanation = s:last

  let s:pick = 'Analyze `total` \(general'
  ALECodeAction
  call s:Wait('findings', {-> !empty(getloclist(0))})
  let s:seen.findings = map(getloclist(0), {_, item -> [item.lnum, item.text]})

  let s:last = ''
  let s:pick = 'Generate tests'
  ALECodeAction
  call s:Wait('diff', {-> s:Shown('test_total_takes')})
  let s:seen.diff = s:last
  let s:seen.source_after = join(getline(1, '$'), "\n")

  " ALE takes no edits: it is shown what they would be.
  call cursor(6, 5)
  for [l:name, l:title] in [['fix', 'Fix'], ['refactor', 'Refactor']]
    let s:last = ''
    let s:pick = l:title
    ALECodeAction
    call s:Wait(l:name, {-> s:Shown('+++ b/prices.py')})
    let s:seen[l:name] = s:last
    let s:seen[l:name . '_actions'] = s:menu
  endfor
  let s:seen.source_at_last = join(getline(1, '$'), "\n")
  call s:Leave()
endfunction

function! s:Start(...) abort
  runtime autoload/ale/util.vim
  exec "function! ale#util#Input(message, ...) abort\nreturn g:AiexAnswer(a:message)\nendfunction"
  exec "function! ale#util#ShowMessage(text, ...) abort\ncall g:AiexShow(a:text)\nendfunction"
  try
    call s:Run()
  catch
    let s:seen.stuck = v:exception . ' at ' . v:throwpoint
    call s:Leave()
  endtry
endfunction
let g:AiexAnswer = function('s:Answer')
let g:AiexShow = function('s:Show')
autocmd VimEnter * ++nested call s:Start()
