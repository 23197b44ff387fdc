" A programmer at Vim whose ALE runs the language's own server beside aiex: as JSON in $AIEX_SEEN.
let s:seen = {'shown': []}

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
  call s:Leave()
endfunction

function! s:Texts() abort
  return map(getloclist(0), {_, item -> item.text})
endfunction

function! s:Listed(text) abort
  return stridx(join(s:Texts(), "\n"), a:text) >= 0
endfunction

" Hovers until both have told something: aiex tells nothing while the file is parsed.
function! s:BothHover() abort
  for l:try in range(20)
    let s:seen.shown = []
    ALEHover
    for l:look in range(25)
      let l:all = join(s:seen.shown, "\n")
      if l:all =~# 'Own documentation' && l:all =~# 'Sums prices'
        return
      endif
      sleep 20m
    endfor
  endfor
  call s:Wait('both hovers', {-> v:false})
endfunction

" ALE asks once for each server; only the menu of aiex has this.
function! s:Answer(menu, ...) abort
  return matchstr(a:menu, '\v\d+\ze\) Analyze `total` \(general')
endfunction

function! s:Show(text, ...) abort
  call add(s:seen.shown, a:text)
endfunction

function! s:Run() abort
  call s:Wait('the own diagnostic', {-> s:Listed('Own says so')})
  call cursor(str2nr($AIEX_LINE) + 1, str2nr($AIEX_COLUMN) + 1)
  call s:BothHover()
  ALECodeAction
  call s:Wait('findings', {-> s:Listed('No check')})
  let s:seen.findings = s:Texts()
  let s:seen.linters = g:ale_linters.python
  new
  let b:ale_enabled = 0
  setfiletype rust
  let s:seen.default_linters = sort(map(ale#linter#Get('rust'), 'v:val.name'))
  call s:Leave()
endfunction

function! s:Start(...) abort
  runtime autoload/ale/util.vim
  exec "function! ale#util#Input(message, ...) abort\nreturn g:AiexAnswer(a:message)\nendfunction"
  exec "function! ale#util#ShowMessage(text, ...) abort\ncall g:AiexShow(a:text)\nendfunction"
  let g:AiexAnswer = function('s:Answer')
  let g:AiexShow = function('s:Show')
  try
    call s:Run()
  catch
    let s:seen.stuck = v:exception . ' at ' . v:throwpoint
    call s:Leave()
  endtry
endfunction
autocmd VimEnter * ++nested call s:Start()
