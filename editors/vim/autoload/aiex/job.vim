" One run of the command line tool at a time, beside the editing.

let s:job = v:null
let s:task = ''

" Returns the tool's program.
function! aiex#job#program() abort
  return expand(get(g:, 'aiex_program', 'aiex-lsp'))
endfunction

" Returns the task that runs, '' where none does.
function! aiex#job#running() abort
  return s:job isnot v:null && job_status(s:job) ==# 'run' ? s:task : ''
endfunction

" Stops what runs.
function! aiex#job#stop() abort
  if empty(aiex#job#running())
    return aiex#say('Nothing is running')
  endif
  call job_stop(s:job, 'int')
endfunction

" Runs the tool; Done gets its lines when it went well, Failed what it said when not, Line each of
" its lines as it comes.
function! aiex#job#start(words, Done, Line = {_ -> 0}, Failed = {_ -> 0}) abort
  let l:run = {'out': [], 'err': [], 'open': 2, 'status': 0,
        \ 'Done': a:Done, 'Line': a:Line, 'Failed': a:Failed}
  let s:task = a:words[0]
  let s:job = job_start([aiex#job#program()] + a:words, {
        \ 'out_cb': {_, line -> s:Out(l:run, line)},
        \ 'err_cb': {_, line -> add(l:run.err, line)},
        \ 'close_cb': {_ -> s:Ended(l:run)},
        \ 'exit_cb': {_, status -> s:Ended(l:run, status)},
        \ 'in_io': 'null',
        \ })
  call aiex#say(s:task . '…')
  redrawstatus!
endfunction

function! s:Out(run, line) abort
  call add(a:run.out, a:line)
  call a:run.Line(a:line)
endfunction

" Takes the end of the program or that of its output; either may come first.
function! s:Ended(run, status = 0) abort
  let a:run.open -= 1
  let a:run.status += a:status
  if a:run.open
    return
  endif
  redrawstatus!
  let l:said = join(filter(a:run.err, '!empty(v:val)'), ' ')
  if a:run.status
    let l:said = empty(l:said) ? 'stopped' : l:said
    call a:run.Failed(l:said)
    return aiex#warn(l:said)
  endif
  call a:run.Done(a:run.out)
  if !empty(l:said)
    " What does not fit would have to be answered with <Enter>.
    call aiex#say(strcharpart(l:said, 0, max([20, v:echospace - 6])))
  endif
endfunction
