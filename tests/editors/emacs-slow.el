;;; emacs-slow.el --- A model that takes longer than eglot waits  -*- lexical-binding: t; -*-

;; Two servers, two buffers, one wait: eglot as it comes, and aiex-eglot.

(require 'eglot)
(setq eglot-connect-timeout 40
      eglot-sync-connect t
      eglot-confirm-server-initiated-edits nil)

(defun refactored () (string-match-p "-discount" (buffer-string)))

(scenario
 (let* ((file (getenv "AIEX_SOURCE"))
        (other (expand-file-name "../other/prices.py" (file-name-directory file)))
        plain)
   (make-directory (expand-file-name ".git" (file-name-directory other)) t)
   (copy-file file other)
   ;; eglot alone: the command answers at once and delivers later.
   (let ((eglot-server-programs '((python-mode . ("aiex-lsp" "serve")))))
     (setq plain (find-file other))
     (apply #'eglot (eglot--guess-contact)))
   (wait-for "attach" (lambda () (eglot-current-server)))
   (to-total)
   ;; Nothing is offered while the file is parsed for the first time.
   (let* ((action (wait-for
                   "the action"
                   (lambda ()
                     (seq-find (lambda (one)
                                 (string-prefix-p "Refactor" (plist-get one :title)))
                               (eglot-code-actions (point) (point))))))
          (began (float-time))
          (command (plist-get action :command))
          (arguments (plist-get command :arguments)))
     (plist-put (aref arguments 0) :instruction "Do it very slowly")
     (eglot-execute-command (eglot-current-server) (intern (plist-get command :command)) arguments)
     (see 'answered_in (- (float-time) began))
     ;; aiex-eglot: a request without a time limit.
     (load (getenv "AIEX_INIT") nil t)
     (find-file file)
     (apply #'eglot (eglot--guess-contact))
     (wait-for "attach" (lambda () (aiex-link)))
     (to-total)
     (aiex-refactor "Do it very slowly")
     (wait-for "the edits"
               (lambda ()
                 (and (refactored)
                      (null aiex--works)
                      (with-current-buffer plain (refactored))))
               40)
     (see 'took (- (float-time) began))
     (see 'plain (with-current-buffer plain (buffer-string)))
     (see 'ours (buffer-string))
     (see 'problems (vconcat (seq-filter (lambda (one) (string-match-p "rror\\|imed out" one))
                                         said))))))
