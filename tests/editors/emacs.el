;; A programmer at Emacs with eglot: what they do, and what they see, as JSON in $AIEX_SEEN.
(require 'json)
(setq seen nil
      said nil
      inhibit-message nil
      make-backup-files nil
      create-lockfiles nil
      eglot-connect-timeout 20
      native-comp-deferred-compilation nil ; a new home each time: it would compile all anew
      native-comp-jit-compilation nil
      eldoc-idle-delay 0.05)

(defun see (name value) (push (cons name value) seen))

(defun leave ()
  (with-temp-file (getenv "AIEX_SEEN")
    (insert (json-encode (cons (cons 'said (vconcat (reverse said))) seen))))
  (kill-emacs 0))

(defun wait-for (what condition)
  (let ((until (+ (float-time) 8)))
    (while (not (funcall condition))
      (when (> (float-time) until)
        (see 'stuck what)
        (leave))
      (accept-process-output nil 0.02))))

(advice-add 'message :before
            (lambda (format &rest arguments)
              (when format (push (apply #'format-message format arguments) said))))

(defun hover ()
  "Return what eldoc is told by the server."
  (let ((told 'nothing))
    (eglot-hover-eldoc-function (lambda (text &rest _) (setq told (or text ""))))
    (wait-for "hover" (lambda () (not (eq told 'nothing))))
    (substring-no-properties told)))

(defun buffer-with (name text)
  (seq-find (lambda (buffer)
              (and (string-match-p name (buffer-name buffer))
                   (with-current-buffer buffer (string-match-p text (buffer-string)))))
            (buffer-list)))

(defun choose (title)
  "Run the code action TITLE as from the menu."
  (let ((last-nonmenu-event 'key))
    (cl-letf (((symbol-function 'completing-read)
               (lambda (_prompt items &rest _)
                 (car (seq-find (lambda (item) (string-prefix-p title (car item))) items)))))
      (eglot-code-actions (point) (point) nil t))))

(condition-case failed
    (progn
      (load (getenv "AIEX_INIT") nil t)
      (find-file (getenv "AIEX_SOURCE"))
      (apply #'eglot (eglot--guess-contact))
      (wait-for "attach" (lambda () (eglot-current-server)))
      (goto-char (point-min))
      (forward-line (string-to-number (getenv "AIEX_LINE")))
      (forward-char (string-to-number (getenv "AIEX_COLUMN")))

      (see 'hover_first (hover))
      (let ((text "") (tries 0))
        (while (and (< tries 40) (or (= tries 0) (string-match-p "hover again" text)))
          (setq text (hover) tries (1+ tries))
          (when (string-match-p "hover again" text) (sleep-for 0.05)))
        (see 'hover_second text))

      (see 'actions (vconcat (mapcar (lambda (a) (plist-get a :title))
                                     (eglot-code-actions (point) (point)))))

      (choose "Explain")
      (when (equal (getenv "AIEX_PLAIN") "1")
        (wait-for "message" (lambda () (seq-find (lambda (m) (string-match-p "Nothing is rounded" m)) said)))
        (leave))
      (wait-for "explanation" (lambda () (buffer-with "\\*aiex\\*" "Nothing is rounded")))
      (see 'explanation (with-current-buffer "*aiex*" (substring-no-properties (buffer-string))))

      (kill-buffer "*aiex*")
      (aiex "explain")
      (wait-for "explanation by command" (lambda () (buffer-with "\\*aiex\\*" "Nothing is rounded")))

      (aiex "analyze")
      (wait-for "findings" (lambda () (flymake-start) (flymake-diagnostics)))
      (see 'findings (vconcat (mapcar #'flymake-diagnostic-text (flymake-diagnostics))))

      (fset 'y-or-n-p (lambda (prompt) (see 'asked prompt) t))
      (choose "Generate tests")
      (wait-for "tests" (lambda () (buffer-with "test_prices" "test_total_takes")))
      (let ((buffer (buffer-with "test_prices" "test_total_takes")))
        (see 'tests_file (buffer-file-name buffer))
        (see 'tests (with-current-buffer buffer (buffer-string))))
      (see 'source_after (buffer-string))

      (undo-boundary)
      (choose "Refactor")
      (wait-for "refactored code" (lambda () (string-match-p "-discount" (buffer-string))))
      (see 'refactored (buffer-string))
      (undo-boundary)
      (undo)
      (see 'undone (buffer-string))
      (leave))
  (error (see 'stuck (format "%S" failed)) (leave)))
