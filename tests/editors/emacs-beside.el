;;; emacs-beside.el --- aiex beside what eglot runs  -*- lexical-binding: t; -*-

(require 'eglot)
(setq eglot-connect-timeout 40
      eglot-sync-connect t)

(scenario
 (load (getenv "AIEX_INIT") nil t)
 (setq eglot-server-programs `((python-mode . ("python3" ,(getenv "AIEX_OWN")))))
 (find-file (getenv "AIEX_SOURCE"))
 (apply #'eglot (eglot--guess-contact))
 (wait-for "attach" (lambda () (eglot-current-server)))
 (wait-for "its diagnostic" (lambda () (flymake-start) (flymake-diagnostics)))
 (see 'started_by_itself (and aiex-beside--server t))
 (to-total)
 (let (told)
   (eglot-hover-eldoc-function (lambda (text &rest _) (setq told (or text ""))))
   (wait-for "hover" (lambda () told))
   (see 'hover (substring-no-properties told)))

 (aiex-explain)
 (wait-for "explanation" (lambda () (shows "*aiex*" "Nothing is rounded")))
 (idle)
 (see 'explanation (text-of "*aiex*"))
 (see 'mode_line (substring-no-properties (aiex-mode-line)))
 (ask-on)
 (change-documentation)

 (goto-char (point-min))
 (search-forward "return sum")
 (undo-boundary)
 (call-interactively #'aiex-fix)
 (idle)
 (see 'fixed (buffer-string))
 (back)
 (see 'undone (buffer-string))

 (to-total)
 (aiex-analyze "general")
 (idle)
 (see 'findings_at_once (vconcat (seq-filter (lambda (text) (string-prefix-p "aiex" text))
                                             (mapcar #'flymake-diagnostic-text
                                                     (flymake-diagnostics)))))
 (wait-for "findings of both" (lambda () (flymake-start) (cdr (flymake-diagnostics))))
 (see 'findings (vconcat (sort (mapcar #'flymake-diagnostic-text (flymake-diagnostics))
                               #'string<)))

 ;; Typing elsewhere moves the edit; typing at its place refuses it
 (aiex-refactor "Do it a moment later")
 (begun)
 (save-excursion (goto-char (point-min)) (insert "# 😀 first\n"))
 (idle)
 (see 'moved (buffer-string))
 (back)
 (see 'moved_undone (buffer-string))
 (overtake)

 (to-total)
 (forward-line 1)
 (aiex-generate-tests)
 (idle)
 (let ((buffer (buffer-with "test_prices" "test_total_takes")))
   (see 'tests_file (and buffer (buffer-file-name buffer)))
   (see 'tests (and buffer (with-current-buffer buffer (buffer-string)))))

 ;; What two servers show is kept apart
 (let ((one (jsonrpc--process aiex-beside--server))
       (other (make-process :name "other" :command '("sleep" "60") :noquery t)))
   (aiex-show-markdown one "aiex-x" "One" "Of one." t)
   (aiex-show-markdown other "aiex-x" "Other" "Of another." t)
   (aiex-show-markdown one "aiex-x" "One" "Of one, more." t)
   (delete-process other)
   (see 'shown (vconcat (mapcar #'aiex-answer-text (seq-take aiex--answers 2)))))

 ;; The server ends; the next command starts it again
 (aiex-follow-up "Never answer")
 (aiex-cancel)
 (idle)
 (see 'cancelled (aiex-answer-state (car aiex--answers)))
 (aiex-follow-up "Never answer")
 (begun)
 (delete-process (jsonrpc--process aiex-beside--server))
 (wait-for "its end" (lambda () (null aiex--works)))
 (see 'gone (aiex-answer-state (car aiex--answers)))
 (see 'findings_after (vconcat (mapcar #'flymake-diagnostic-text (flymake-diagnostics))))
 (see 'mode_line_after (substring-no-properties (aiex-mode-line)))
 (read-reports)
 (take-template)

 ;; Keys as on the page
 (global-set-key (kbd "C-c i") 'aiex-command-map)
 (to-total)
 (execute-kbd-macro (kbd "C-c i e"))
 (idle)
 (see 'by_key (text-of "*aiex*"))

 (kill-buffer "*aiex*")
 (aiex-answer-show)
 (see 'shown_again (text-of "*aiex*"))

 ;; Another view of the same text, and after it is gone
 (let ((view (make-indirect-buffer (current-buffer) "view" t)))
   (with-current-buffer view
     (to-total)
     (aiex-explain)
     (idle)
     (see 'view (text-of "*aiex*")))
   (kill-buffer view)
   (aiex-explain)
   (idle)
   (see 'after_view (text-of "*aiex*")))

 (require 'desktop)
 (see 'desktop (vconcat (sort (cl-loop for (mode on) in desktop-minor-mode-table
                                       when (and (string-prefix-p "aiex" (symbol-name mode))
                                                 (null on))
                                       collect (symbol-name mode))
                              #'string<)))
 (see 'settings (plist-get (aiex-initialization-options) :settings))

 ;; What cannot be edited is left alone; a file written under another name is known by it
 (revert-buffer t t)
 (to-total)
 (setq buffer-read-only t)
 (aiex-refactor "Put the discount first")
 (idle)
 (see 'read_only (buffer-string))
 (see 'read_only_said (was-said "read-only"))
 (setq buffer-read-only nil)
 (write-file "renamed.py")
 (to-total)
 (end-of-line)
 (insert "  # by another name")
 (choosing "explain" (call-interactively #'aiex-show-prompt))
 (see 'renamed (text-of "*aiex prompt*"))
 (let ((far (generate-new-buffer "far.py")))
   (with-current-buffer far
     (setq buffer-file-name "/ssh:nowhere.invalid:/far.py"
           default-directory "/ssh:nowhere.invalid:/")
     (aiex-beside-mode 1)
     (setq aiex--last-link nil)
     (see 'far (list aiex-beside-mode
                     (condition-case problem (aiex-explain)
                       (user-error (cadr problem)))))
     (set-buffer-modified-p nil)
     (setq buffer-file-name nil)))
 (see 'still_eglot (and (eglot-current-server) t)))
