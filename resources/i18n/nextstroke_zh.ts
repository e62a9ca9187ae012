<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="zh_CN" sourcelanguage="en">
<context>
    <name>Actions</name>
    <message>
        <source>&amp;New</source>
        <translation>新建(&amp;N)</translation>
    </message>
    <message>
        <source>&amp;Open…</source>
        <translation>打开(&amp;O)…</translation>
    </message>
    <message>
        <source>&amp;Save</source>
        <translation>保存(&amp;S)</translation>
    </message>
    <message>
        <source>Save &amp;As…</source>
        <translation>另存为(&amp;A)…</translation>
    </message>
    <message>
        <source>Save Text Files A&amp;utomatically</source>
        <translation>自动保存文本文件(&amp;U)</translation>
    </message>
    <message>
        <source>Earlier &amp;Texts…</source>
        <translation>以前的文字(&amp;T)…</translation>
    </message>
    <message>
        <source>&amp;Import…</source>
        <translation>导入(&amp;I)…</translation>
    </message>
    <message>
        <source>&amp;Export…</source>
        <translation>导出(&amp;E)…</translation>
    </message>
    <message>
        <source>Open &amp;Last Texts at Start</source>
        <translation>启动时打开上次的文本(&amp;L)</translation>
    </message>
    <message>
        <source>&amp;Close Tab</source>
        <translation>关闭标签页(&amp;C)</translation>
    </message>
    <message>
        <source>&amp;Quit</source>
        <translation>退出(&amp;Q)</translation>
    </message>
    <message>
        <source>&amp;Undo</source>
        <translation>撤销(&amp;U)</translation>
    </message>
    <message>
        <source>&amp;Redo</source>
        <translation>重做(&amp;R)</translation>
    </message>
    <message>
        <source>Cu&amp;t</source>
        <translation>剪切(&amp;T)</translation>
    </message>
    <message>
        <source>&amp;Copy</source>
        <translation>复制(&amp;C)</translation>
    </message>
    <message>
        <source>&amp;Paste</source>
        <translation>粘贴(&amp;P)</translation>
    </message>
    <message>
        <source>Select &amp;All</source>
        <translation>全选(&amp;A)</translation>
    </message>
    <message>
        <source>&amp;Find…</source>
        <translation>查找(&amp;F)…</translation>
    </message>
    <message>
        <source>Find &amp;Next</source>
        <translation>查找下一处(&amp;N)</translation>
    </message>
    <message>
        <source>Find Pre&amp;vious</source>
        <translation>查找上一处(&amp;V)</translation>
    </message>
    <message>
        <source>R&amp;eplace…</source>
        <translation>替换(&amp;E)…</translation>
    </message>
    <message>
        <source>Check &amp;Spelling</source>
        <translation>检查拼写(&amp;S)</translation>
    </message>
    <message>
        <source>Next Misspelt &amp;Word</source>
        <translation>下一处拼写错误(&amp;W)</translation>
    </message>
    <message>
        <source>Where This Came Fro&amp;m…</source>
        <translation>这段文字的来源(&amp;M)…</translation>
    </message>
    <message>
        <source>&amp;Continue</source>
        <translation>续写(&amp;C)</translation>
    </message>
    <message>
        <source>&amp;Retry</source>
        <translation>换一段(&amp;R)</translation>
    </message>
    <message>
        <source>&amp;Stop</source>
        <translation>停止(&amp;S)</translation>
    </message>
    <message>
        <source>&amp;Add Model Folder…</source>
        <translation>添加模型文件夹(&amp;A)…</translation>
    </message>
    <message>
        <source>&amp;Convert Checkpoint…</source>
        <translation>转换检查点文件(&amp;C)…</translation>
    </message>
    <message>
        <source>Convert Checkpoint &amp;Folder…</source>
        <translation>转换检查点文件夹(&amp;F)…</translation>
    </message>
    <message>
        <source>&amp;Python for Conversion…</source>
        <translation>转换用的 Python(&amp;P)…</translation>
    </message>
    <message>
        <source>Re&amp;move This Model…</source>
        <translation>移除此模型(&amp;M)…</translation>
    </message>
    <message>
        <source>&amp;Start the Engine Again</source>
        <translation>重新启动引擎(&amp;S)</translation>
    </message>
    <message>
        <source>&amp;Larger Text</source>
        <translation>放大文字(&amp;L)</translation>
    </message>
    <message>
        <source>S&amp;maller Text</source>
        <translation>缩小文字(&amp;M)</translation>
    </message>
    <message>
        <source>&amp;Normal Text Size</source>
        <translation>默认字号(&amp;N)</translation>
    </message>
    <message>
        <source>Text &amp;Font…</source>
        <translation>正文字体(&amp;F)…</translation>
    </message>
    <message>
        <source>Side &amp;Panel</source>
        <translation>侧栏(&amp;P)</translation>
    </message>
    <message>
        <source>Page &amp;Only</source>
        <translation>只看正文(&amp;O)</translation>
    </message>
    <message>
        <source>&amp;Full Screen</source>
        <translation>全屏(&amp;F)</translation>
    </message>
    <message>
        <source>Ne&amp;xt Tab</source>
        <translation>下一个标签页(&amp;X)</translation>
    </message>
    <message>
        <source>Pre&amp;vious Tab</source>
        <translation>上一个标签页(&amp;V)</translation>
    </message>
    <message>
        <source>Next &amp;Area</source>
        <translation>下一个区域(&amp;A)</translation>
    </message>
    <message>
        <source>As the &amp;System</source>
        <translation>跟随系统(&amp;S)</translation>
    </message>
    <message>
        <source>&amp;Light</source>
        <translation>浅色(&amp;L)</translation>
    </message>
    <message>
        <source>&amp;Dark</source>
        <translation>深色(&amp;D)</translation>
    </message>
    <message>
        <source>&amp;Not Shown</source>
        <translation>不标出(&amp;N)</translation>
    </message>
    <message>
        <source>The &amp;Model&apos;s Words</source>
        <translation>模型写下的(&amp;M)</translation>
    </message>
    <message>
        <source>&amp;Every Origin</source>
        <translation>全部来源(&amp;E)</translation>
    </message>
    <message>
        <source>&amp;Welcome Text</source>
        <translation>欢迎文字(&amp;W)</translation>
    </message>
    <message>
        <source>&amp;Keyboard Shortcuts</source>
        <translation>键盘快捷键(&amp;K)</translation>
    </message>
    <message>
        <source>&amp;About Nextstroke</source>
        <translation>关于 Nextstroke(&amp;A)</translation>
    </message>
    <message>
        <source>&amp;File</source>
        <translation>文件(&amp;F)</translation>
    </message>
    <message>
        <source>Open &amp;Recent</source>
        <translation>最近的文件(&amp;R)</translation>
    </message>
    <message>
        <source>&amp;Edit</source>
        <translation>编辑(&amp;E)</translation>
    </message>
    <message>
        <source>&amp;Dictionary</source>
        <translation>拼写词典(&amp;D)</translation>
    </message>
    <message>
        <source>&amp;Write</source>
        <translation>写作(&amp;W)</translation>
    </message>
    <message>
        <source>&amp;Model</source>
        <translation>模型(&amp;M)</translation>
    </message>
    <message>
        <source>&amp;View</source>
        <translation>视图(&amp;V)</translation>
    </message>
    <message>
        <source>&amp;Origin of the Text</source>
        <translation>文字来源(&amp;O)</translation>
    </message>
    <message>
        <source>&amp;Theme</source>
        <translation>主题(&amp;T)</translation>
    </message>
    <message>
        <source>Lan&amp;guage</source>
        <translation>语言(&amp;G)</translation>
    </message>
    <message>
        <source>&amp;Help</source>
        <translation>帮助(&amp;H)</translation>
    </message>
</context>
<context>
    <name>Commands</name>
    <message>
        <source>Keyboard Shortcuts</source>
        <translation>键盘快捷键</translation>
    </message>
    <message>
        <source>Version {version}</source>
        <translation>版本 {version}</translation>
    </message>
    <message>
        <source>Write, and let a model on this computer write on. No text ever leaves the machine.</source>
        <translation>您写，本机上的模型接着写。文字从不离开这台电脑。</translation>
    </message>
    <message>
        <source>Free software under the Apache License 2.0.</source>
        <translation>自由软件，采用 Apache 许可证 2.0 版。</translation>
    </message>
</context>
<context>
    <name>Continuation</name>
    <message>
        <source>The last passage was changed by hand, so it stays. Continue writes on from here.</source>
        <translation>上一段已被您修改，所以保留不动。按“续写”从这里写下去。</translation>
    </message>
    <message>
        <source>There is nothing before the caret to continue. Write a few words first.</source>
        <translation>光标前还没有可续写的文字。请先写几个字。</translation>
    </message>
    <message>
        <source>The model ends the text here. Write on, or try again.</source>
        <translation>模型认为文章到此结束。您可以自己接着写，或者再试一次。</translation>
    </message>
    <message>
        <source>The model&apos;s context is full. Continue reads the end of the text anew.</source>
        <translation>模型的上下文已满。再按“续写”，模型会重新读取文末。</translation>
    </message>
    <message>
        <source>The text is longer than the model can see: it reads the last {read} tokens.</source>
        <translation>文章超出了模型能看到的长度：它只读最后 {read} 个词元。</translation>
    </message>
    <message>
        <source>The model reads the last {read} tokens; {dropped} before them do not fit.</source>
        <translation>模型读取最后 {read} 个词元；之前的 {dropped} 个放不下。</translation>
    </message>
    <message>
        <source>The text is longer than the model can see. Choose another model.</source>
        <translation>文章超出了模型能看到的长度。请换一个模型。</translation>
    </message>
    <message>
        <source>The engine is busy. Wait a moment and try again.</source>
        <translation>引擎正忙。请稍候再试。</translation>
    </message>
    <message>
        <source>The engine stopped; the text is untouched. Try again in a moment.</source>
        <translation>引擎停止了，文字完好无损。请稍候再试。</translation>
    </message>
</context>
<context>
    <name>ConversionControl</name>
    <message>
        <source>Checkpoints (*.pt *.pth *.ckpt *.bin *.safetensors)</source>
        <translation>检查点 (*.pt *.pth *.ckpt *.bin *.safetensors)</translation>
    </message>
    <message>
        <source>Convert Checkpoint</source>
        <translation>转换检查点文件</translation>
    </message>
    <message>
        <source>Convert Checkpoint Folder</source>
        <translation>转换检查点文件夹</translation>
    </message>
    <message>
        <source>{name} will be converted.</source>
        <translation>即将转换“{name}”。</translation>
    </message>
    <message>
        <source>Python Environment for Conversions</source>
        <translation>转换用的 Python 环境</translation>
    </message>
    <message>
        <source>{folder} holds no Python; choose the folder of an environment.</source>
        <translation>“{folder}”中没有 Python，请选择一个 Python 环境的文件夹。</translation>
    </message>
    <message>
        <source>Conversions use the Python in {folder}.</source>
        <translation>转换时将使用“{folder}”中的 Python。</translation>
    </message>
    <message>
        <source>The export add-on is missing</source>
        <translation>缺少导出组件</translation>
    </message>
    <message>
        <source>Choose a Python…</source>
        <translation>选择 Python…</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Cancelling…</source>
        <translation>正在取消…</translation>
    </message>
    <message>
        <source>{name} was converted and agrees with its original.</source>
        <translation>“{name}”已转换，与原模型一致。</translation>
    </message>
    <message>
        <source>The checkpoint was not converted</source>
        <translation>检查点没有转换成功</translation>
    </message>
    <message>
        <source>The conversion was cancelled; nothing of it is left.</source>
        <translation>转换已取消，没有留下任何文件。</translation>
    </message>
    <message>
        <source>Converting {name}…</source>
        <translation>正在转换“{name}”…</translation>
    </message>
</context>
<context>
    <name>Dialogs</name>
    <message>
        <source>OK</source>
        <translation>好</translation>
    </message>
    <message>
        <source>Font of the text</source>
        <translation>正文字体</translation>
    </message>
    <message>
        <source>Look in:</source>
        <translation>位置：</translation>
    </message>
    <message>
        <source>Kind:</source>
        <translation>类型：</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
</context>
<context>
    <name>DifferencePane</name>
    <message>
        <source>Differences</source>
        <translation>不同之处</translation>
    </message>
    <message>
        <source>Previous change</source>
        <translation>上一处不同</translation>
    </message>
    <message>
        <source>Next change</source>
        <translation>下一处不同</translation>
    </message>
    <message>
        <source>Comparing…</source>
        <translation>正在比较…</translation>
    </message>
    <message>
        <source>Characters: {added} added, {removed} removed</source>
        <translation>字符：增加 {added}，减少 {removed}</translation>
    </message>
    <message>
        <source>There is no difference.</source>
        <translation>没有不同之处。</translation>
    </message>
    <message>
        <source>Change {number} of {count}</source>
        <translation>第 {number} 处，共 {count} 处</translation>
    </message>
    <message>
        <source>Removed: {text}</source>
        <translation>去掉的：{text}</translation>
    </message>
    <message>
        <source>Added: {text}</source>
        <translation>增加的：{text}</translation>
    </message>
</context>
<context>
    <name>DifferenceQuestions</name>
    <message>
        <source>Keeping your text writes nothing; the next save asks again.</source>
        <translation>保留您的文字，什么也不会写入文件，下次保存时会再问。</translation>
    </message>
    <message>
        <source>Keep My Text</source>
        <translation>保留我的文字</translation>
    </message>
    <message>
        <source>Nothing is written yet.</source>
        <translation>还没有写入任何内容。</translation>
    </message>
    <message>
        <source>Save My Text Over It</source>
        <translation>用我的文字覆盖</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Changes that were not saved in {name} are back</source>
        <translation>“{name}”中没有保存的修改找回来了</translation>
    </message>
    <message>
        <source>The page shows the text as you left it. Nothing is written to the file yet.</source>
        <translation>页面上是您离开时的文字，还没有写入文件。</translation>
    </message>
    <message>
        <source>only on the page</source>
        <translation>只在页面上有</translation>
    </message>
    <message>
        <source>only in the file</source>
        <translation>只在文件里有</translation>
    </message>
    <message>
        <source>If you take the file&apos;s text, yours is kept under Earlier Texts.</source>
        <translation>如果改用文件里的文字，您的文字会留在“以前的文字”里。</translation>
    </message>
    <message>
        <source>If you take the file&apos;s text, Undo brings yours back.</source>
        <translation>如果改用文件里的文字，撤销就能换回您的文字。</translation>
    </message>
    <message>
        <source>The words are the same; branches, origins, steps or what is said of it differ.</source>
        <translation>文字相同；分支、来源、步骤或书名等信息有所不同。</translation>
    </message>
    <message>
        <source>The words are the same; encoding or line ends differ.</source>
        <translation>文字相同；编码或换行符不同。</translation>
    </message>
    <message>
        <source>{name} was changed by another program</source>
        <translation>“{name}”被其他程序修改过</translation>
    </message>
    <message>
        <source>Take the File&apos;s Text</source>
        <translation>改用文件里的文字</translation>
    </message>
    <message>
        <source>Save My Text As…</source>
        <translation>把我的文字另存为…</translation>
    </message>
</context>
<context>
    <name>DifferenceView</name>
    <message>
        <source>Unchanged paragraphs: {count}</source>
        <translation>没有变化的段落：{count}</translation>
    </message>
    <message>
        <source>Further changes that are not shown: {count}</source>
        <translation>还有未列出的不同之处：{count}</translation>
    </message>
    <message>
        <source>[… {count} characters left out …]</source>
        <translation>[… 略去 {count} 个字符 …]</translation>
    </message>
</context>
<context>
    <name>DocumentQuestions</name>
    <message>
        <source>Save the changes to {name}?</source>
        <translation>保存对“{name}”的更改吗？</translation>
    </message>
    <message>
        <source>Without saving, what you wrote since the last save is lost.</source>
        <translation>如果不保存，上次保存之后写的内容就会丢失。</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>保存</translation>
    </message>
    <message>
        <source>Don&apos;t Save</source>
        <translation>不保存</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Save {name} as UTF-8?</source>
        <translation>以 UTF-8 保存“{name}”吗？</translation>
    </message>
    <message>
        <source>Save as UTF-8</source>
        <translation>以 UTF-8 保存</translation>
    </message>
    <message>
        <source>Replace {name}?</source>
        <translation>替换“{name}”吗？</translation>
    </message>
    <message>
        <source>A file of this name is there already; its text would be lost.</source>
        <translation>那里已有同名文件，其中的文字将会丢失。</translation>
    </message>
    <message>
        <source>Replace</source>
        <translation>替换</translation>
    </message>
    <message>
        <source>A text that was saved in it on {moment} can still be read. The file is left as it is.</source>
        <translation>其中 {moment} 保存的文字还读得出来。文件本身不会改动。</translation>
    </message>
    <message>
        <source>Open That Text</source>
        <translation>打开那份文字</translation>
    </message>
    <message>
        <source>{name} is open in another window</source>
        <translation>“{name}”已在另一个窗口中打开</translation>
    </message>
    <message>
        <source>Two windows would write over each other’s changes. Write on in the other one, or open a copy here, as a text without a file.</source>
        <translation>两个窗口会互相覆盖对方的更改。请到那个窗口继续写，或在这里打开一份尚无文件的副本。</translation>
    </message>
    <message>
        <source>Open a Copy</source>
        <translation>打开副本</translation>
    </message>
    <message>
        <source>This file cannot be opened</source>
        <translation>无法打开这个文件</translation>
    </message>
    <message>
        <source>Texts and documents (*.txt *.md *.nextstroke)</source>
        <translation>文本和文档 (*.txt *.md *.nextstroke)</translation>
    </message>
    <message>
        <source>All files (*)</source>
        <translation>所有文件 (*)</translation>
    </message>
    <message>
        <source>Texts (*.txt *.md)</source>
        <translation>文本 (*.txt *.md)</translation>
    </message>
    <message>
        <source>Documents with origins and history (*.nextstroke)</source>
        <translation>带来源和历史的文档 (*.nextstroke)</translation>
    </message>
</context>
<context>
    <name>EarlierControl</name>
    <message>
        <source>Earlier Texts</source>
        <translation>以前的文字</translation>
    </message>
    <message>
        <source>Saved as a .nextstroke document, a text keeps what was saved of it before. This one has none.</source>
        <translation>存成 .nextstroke 文档的文字，会保留以前每次保存的内容。这一篇还没有。</translation>
    </message>
    <message>
        <source>The text of {moment} is back; Undo brings back what was here before.</source>
        <translation>{moment} 的文字恢复了；撤销就能换回原来的文字。</translation>
    </message>
    <message>
        <source>{count} characters</source>
        <translation>{count} 个字符</translation>
    </message>
</context>
<context>
    <name>EarlierTextsDialog</name>
    <message>
        <source>the text now</source>
        <translation>现在的文字</translation>
    </message>
    <message>
        <source>the text that followed it</source>
        <translation>它之后的一份</translation>
    </message>
    <message>
        <source>&amp;Compare with</source>
        <translation>比较对象(&amp;C)</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>&amp;Open as a New Text</source>
        <translation>作为新文本打开(&amp;O)</translation>
    </message>
    <message>
        <source>&amp;Restore This Text</source>
        <translation>恢复这份文字(&amp;R)</translation>
    </message>
    <message>
        <source>only in this earlier text</source>
        <translation>只在以前这份里有</translation>
    </message>
    <message>
        <source>only in the text now</source>
        <translation>只在现在的文字里有</translation>
    </message>
    <message>
        <source>only in the text that followed</source>
        <translation>只在之后那份里有</translation>
    </message>
</context>
<context>
    <name>EngineBridge</name>
    <message>
        <source>The engine was stopped; start it to go on.</source>
        <translation>引擎已停止。要继续，请启动它。</translation>
    </message>
    <message>
        <source>The engine stopped working ({reason}); the text is untouched, try again.</source>
        <translation>引擎意外停止（{reason}），文字完好无损，请再试一次。</translation>
    </message>
    <message>
        <source>The engine stopped working ({reason}); the text is untouched. It is being started again.</source>
        <translation>引擎意外停止（{reason}），文字完好无损。正在重新启动引擎。</translation>
    </message>
    <message>
        <source>The engine stopped working {count} times within a minute ({reason}); the text is untouched. Choose a smaller model, or start the engine again.</source>
        <translation>引擎在一分钟内意外停止了 {count} 次（{reason}），文字完好无损。请换一个较小的模型，或者重新启动引擎。</translation>
    </message>
</context>
<context>
    <name>ErrorWords</name>
    <message>
        <source>“{name}” is not saved: the disk is full. Free some space, or save it on another disk.</source>
        <translation>“{name}”没有保存：磁盘已满。请腾出空间，或者保存到别的磁盘。</translation>
    </message>
    <message>
        <source>“{name}” is not saved: you may not write there. Choose a folder that belongs to you.</source>
        <translation>“{name}”没有保存：您没有写入权限。请选择属于您的文件夹。</translation>
    </message>
    <message>
        <source>“{name}” cannot be opened: you may not read it. Ask its owner, or open another file.</source>
        <translation>无法打开“{name}”：您没有读取权限。请联系文件的所有者，或者打开别的文件。</translation>
    </message>
    <message>
        <source>“{name}” is not saved: it is read-only. Save it under another name or in another folder.</source>
        <translation>“{name}”没有保存：文件是只读的。请换一个名称或文件夹保存。</translation>
    </message>
    <message>
        <source>“{name}” is not saved: its folder does not exist any more. Choose another folder.</source>
        <translation>“{name}”没有保存：所在的文件夹已不存在。请选择别的文件夹。</translation>
    </message>
    <message>
        <source>“{name}” does not exist any more. Look for it under another name or in another folder.</source>
        <translation>“{name}”已不存在。请看看是否改了名，或者移到了别的文件夹。</translation>
    </message>
    <message>
        <source>“{name}” is a folder. Choose a file.</source>
        <translation>“{name}”是文件夹。请选择文件。</translation>
    </message>
    <message>
        <source>“{name}” is a device, a pipe or a part of the system, not a file.</source>
        <translation>“{name}”是设备、管道或系统的一部分，不是文件。</translation>
    </message>
    <message>
        <source>The name “{name}” is too long for this disk. Choose a shorter one.</source>
        <translation>名称“{name}”对这个磁盘来说太长。请取一个短一些的名称。</translation>
    </message>
    <message>
        <source>“{name}” is larger than this disk allows. Save it on another disk.</source>
        <translation>“{name}”超过了这个磁盘允许的大小。请保存到别的磁盘。</translation>
    </message>
    <message>
        <source>“{name}” is not saved: the disk reports a fault ({reason}). Save the text somewhere else.</source>
        <translation>“{name}”没有保存：磁盘报告故障（{reason}）。请把文字保存到别处。</translation>
    </message>
    <message>
        <source>“{name}” cannot be read: the disk reports a fault ({reason}). Check the disk.</source>
        <translation>无法读取“{name}”：磁盘报告故障（{reason}）。请检查磁盘。</translation>
    </message>
    <message>
        <source>The program has a fault ({reason}). What you wrote is on the page. Save it under another name, and report this.</source>
        <translation>程序本身出了错（{reason}）。你写的都还在页面上。请换一个名字保存，并报告这个问题。</translation>
    </message>
    <message>
        <source>“{name}” is not saved: as plain text it would not be opened again, since it begins or reads like a file of another kind. Save it as a .nextstroke document.</source>
        <translation>“{name}”没有保存：存成纯文本以后就打不开了，因为它的开头或内容像另一种文件。请存为 .nextstroke 文档。</translation>
    </message>
    <message>
        <source>The dictionary “{name}” is damaged or none of Hunspell&apos;s, so spelling is not checked. Choose another one in Edit → Dictionary.</source>
        <translation>词典“{name}”已损坏，或者不是 Hunspell 的词典，因此不再检查拼写。请在“编辑 → 拼写词典”中另选一部。</translation>
    </message>
    <message>
        <source>The dictionary “{name}” stopped working, so spelling is not checked. Switch the check on again, or choose another dictionary.</source>
        <translation>词典“{name}”停止了工作，因此不再检查拼写。请重新打开拼写检查，或者另选一部词典。</translation>
    </message>
    <message>
        <source>“{name}” is no list of words in UTF-8 of at most {limit}. It is left as it is; mend or remove it.</source>
        <translation>“{name}”不是 UTF-8 编码、不超过 {limit} 的词表。文件保持原样；请修好或移走它。</translation>
    </message>
    <message>
        <source>“{name}” cannot be written in this format ({reason}). Choose another format.</source>
        <translation>“{name}”不能写成这种格式（{reason}）。请换一种格式。</translation>
    </message>
    <message>
        <source>“{name}” cannot be read: its disk or network does not answer. Try again when it is back.</source>
        <translation>“{name}”无法读取：所在的磁盘或网络没有回应。等它恢复后再试。</translation>
    </message>
    <message>
        <source>“{name}” was written, but the disk does not confirm it ({reason}). Save it somewhere else as well.</source>
        <translation>“{name}”已写入，但磁盘没有确认（{reason}）。请在别处再保存一份。</translation>
    </message>
    <message>
        <source>The folder “{name}” cannot be made: a file has this name. Move or rename that file.</source>
        <translation>无法创建文件夹“{name}”：已有同名文件。请移走那个文件或者给它改名。</translation>
    </message>
    <message>
        <source>“{name}” was changed by another program. Read it again, or save over the other change.</source>
        <translation>“{name}”被其他程序修改过。请重新读取，或者用这里的文字覆盖。</translation>
    </message>
    <message>
        <source>“{name}” was removed by another program. Save it again to put it back.</source>
        <translation>“{name}”被其他程序删除了。再保存一次，文件就会恢复。</translation>
    </message>
    <message>
        <source>{encoding} has no {character} (line {line}). Save the file as UTF-8 to keep all of the text.</source>
        <translation>{encoding} 编码中没有“{character}”（第 {line} 行）。以 UTF-8 保存可以保留全部文字。</translation>
    </message>
    <message>
        <source>Line {line} holds half a character ({code}), which no file can carry. Delete it and save again.</source>
        <translation>第 {line} 行有半个字符（{code}），任何文件都存不下它。请删去后再保存。</translation>
    </message>
    <message>
        <source>“{name}” is larger than {limit}, more than this editor shows smoothly. Split it and open the parts.</source>
        <translation>“{name}”超过 {limit}，编辑器无法流畅显示。请拆分后分别打开。</translation>
    </message>
    <message>
        <source>“{name}” would be larger than {limit}, more than this program opens, and was not written. Save the text as .txt, or in parts.</source>
        <translation>“{name}”会超过 {limit}，本程序将无法打开，因此没有写入。请将文字存为 .txt，或分成几个文件保存。</translation>
    </message>
    <message>
        <source>“{name}” holds a character ({code}, line {line}) that the page would not keep.</source>
        <translation>“{name}”含有页面无法保留的字符（{code}，第 {line} 行）。</translation>
    </message>
    <message>
        <source>A line of “{name}” (line {line}) is too long for the page. Break it where it was written.</source>
        <translation>“{name}”中有一行（第 {line} 行）太长，页面排不下。请在原来的程序里把它断开。</translation>
    </message>
    <message>
        <source>“{name}” begins as {encoding} text but is damaged further on. Open it with the program that wrote it.</source>
        <translation>“{name}”开头是 {encoding} 文本，后面却已损坏。请用当初写它的程序打开。</translation>
    </message>
    <message>
        <source>Text that was not saved is back, but damaged: what cannot be read of it is shown as �.</source>
        <translation>未保存的文字已找回，但已损坏：读不出的地方显示为 �。</translation>
    </message>
    <message>
        <source>This document is damaged and cannot be opened as it is. Open an earlier version of it.</source>
        <translation>这份文档已损坏，无法按原样打开。请打开它较早的版本。</translation>
    </message>
    <message>
        <source>“{name}” was written by a newer version of Nextstroke. Update the program to open it.</source>
        <translation>“{name}”是更新版本的下一笔写的。升级本程序后再打开。</translation>
    </message>
    <message>
        <source>“{name}” is not a Nextstroke document, whatever its name says. Choose another file.</source>
        <translation>“{name}”的名字像下一笔文档，内容却不是。请另选文件。</translation>
    </message>
    <message>
        <source>“{name}” does not hold exactly what was saved in it. Read it through before you go on.</source>
        <translation>“{name}”的内容和当初保存的不完全一样。请先通读一遍再接着写。</translation>
    </message>
    <message>
        <source>What was on the page is back as an untitled text; “{name}” is left as it is.</source>
        <translation>上次页面上的文字已作为未命名的新文本找回；“{name}”原样未动。</translation>
    </message>
    <message>
        <source>“{name}” was changed by another program, so the marks of what the model wrote are gone.</source>
        <translation>“{name}”被别的程序改过，模型写下的部分已无从标出。</translation>
    </message>
    <message>
        <source>“{name}” is not a text. Open a .txt or .md file.</source>
        <translation>“{name}”不是文本。请打开 .txt 或 .md 文件。</translation>
    </message>
    <message>
        <source>“{name}” is no Word document that can be read. Save it as .docx again in the program that wrote it.</source>
        <translation>“{name}”不是可读的 Word 文档。请在写它的程序里重新存为 .docx。</translation>
    </message>
    <message>
        <source>The pictures of “{name}” were left out.</source>
        <translation>“{name}”里的图片没有带过来。</translation>
    </message>
    <message>
        <source>The footnotes of “{name}” were left out.</source>
        <translation>“{name}”里的脚注没有带过来。</translation>
    </message>
    <message>
        <source>The hidden text of “{name}” was left out.</source>
        <translation>“{name}”里的隐藏文字没有带过来。</translation>
    </message>
    <message>
        <source>The readings above characters of “{name}” were left out.</source>
        <translation>“{name}”里的注音没有带过来。</translation>
    </message>
    <message>
        <source>Symbols of “{name}” that are no characters outside of their font were left out.</source>
        <translation>“{name}”里有些符号离开原字体就没有对应的字符，没有带过来。</translation>
    </message>
    <message>
        <source>“{name}” is neither UTF-8, UTF-16 nor GB18030 text. Save it as UTF-8 in the program that wrote it, then open it again.</source>
        <translation>“{name}”不是 UTF-8、UTF-16 或 GB18030 文本。请在当初写它的程序中另存为 UTF-8，然后再打开。</translation>
    </message>
    <message>
        <source>Opened as GB18030. If the text looks wrong, close it without saving.</source>
        <translation>已按 GB18030 编码打开。如果出现乱码，请直接关闭，不要保存。</translation>
    </message>
    <message>
        <source>Opened as UTF-16. If the text looks wrong, close it without saving.</source>
        <translation>已按 UTF-16 打开。如果文字看起来不对，请不要保存，直接关闭。</translation>
    </message>
    <message>
        <source>This file mixes line ends. Lines that you do not change keep theirs.</source>
        <translation>这个文件混用了几种换行符。您没有改动的行会保持原样。</translation>
    </message>
    <message>
        <source>This text holds invisible characters ({list}). They are kept where the editor can.</source>
        <translation>文中有不可见的字符（{list}）。编辑器会尽量保留它们。</translation>
    </message>
    <message>
        <source>The recovery store was damaged. {count} texts were saved from it; it is kept as “{name}”.</source>
        <translation>恢复库已损坏，从中救回了 {count} 篇文字；原库保留为“{name}”。</translation>
    </message>
    <message>
        <source>Other texts of the last session were not saved ({count}). They lie in “{folder}”.</source>
        <translation>上次还有 {count} 篇文字没有保存，已存入“{folder}”。</translation>
    </message>
    <message>
        <source>Not opened again, since they cannot be read any more: {list}.</source>
        <translation>以下文件已无法读取，没有重新打开：{list}。</translation>
    </message>
    <message>
        <source>“{name}” is open in another tab, which would write over it. Choose another name.</source>
        <translation>“{name}”已在另一个标签页中打开，两边会互相覆盖。请换一个名称。</translation>
    </message>
    <message>
        <source>“{name}” is open in another window of Nextstroke, which would write over it. Close it there first.</source>
        <translation>“{name}”已在 Nextstroke 的另一个窗口中打开，两边会互相覆盖。请先在那里关闭它。</translation>
    </message>
    <message>
        <source>Not opened again, since another window of Nextstroke has them open: {list}.</source>
        <translation>以下文件已在 Nextstroke 的另一个窗口中打开，没有重新打开：{list}。</translation>
    </message>
    <message>
        <source>Another window has {list} open, so what was not saved there is back as texts of their own.</source>
        <translation>另一个窗口已打开 {list}，因此未保存的内容作为单独的文本恢复。</translation>
    </message>
    <message>
        <source>The recovery folder cannot lock files. Start the program with another folder (--profile).</source>
        <translation>恢复文件夹不支持文件锁。请用 --profile 指定别的文件夹后启动程序。</translation>
    </message>
    <message>
        <source>Unsaved text cannot be kept: another window holds the recovery store. Save the text now.</source>
        <translation>无法暂存未保存的文字：恢复库正被另一个窗口占用。请现在就保存。</translation>
    </message>
    <message>
        <source>Unsaved text cannot be kept: the disk is full. Free some space, or save the text now.</source>
        <translation>无法暂存未保存的文字：磁盘已满。请腾出空间，或者现在就保存。</translation>
    </message>
    <message>
        <source>Unsaved text cannot be kept for recovery. Save the text now, then start the program again.</source>
        <translation>无法暂存未保存的文字以备恢复。请现在就保存，然后重新启动程序。</translation>
    </message>
    <message>
        <source>The settings file was damaged. The defaults are used, and the file is kept beside the new one.</source>
        <translation>设置文件已损坏。现在使用默认设置，原文件保留在新文件旁边。</translation>
    </message>
    <message>
        <source>Some settings made no sense and are back at their defaults.</source>
        <translation>有些设置的值无效，已恢复为默认值。</translation>
    </message>
    <message>
        <source>The text has {count} tokens, but the model sees at most {limit}. Shorten it.</source>
        <translation>文章有 {count} 个词元，而模型最多能看 {limit} 个。请缩短文章。</translation>
    </message>
    <message>
        <source>There is nothing to continue yet. Write a first word.</source>
        <translation>还没有可续写的文字。请先写下第一个词。</translation>
    </message>
    <message>
        <source>No model is open. Choose one in the model list.</source>
        <translation>没有打开的模型。请在模型列表中选择。</translation>
    </message>
    <message>
        <source>No model comes with this program. Add a model folder to write with it.</source>
        <translation>程序没有自带模型。添加模型文件夹后即可续写。</translation>
    </message>
    <message>
        <source>There is no model “{name}” on this computer. Choose another one.</source>
        <translation>这台电脑上没有模型“{name}”。请选择别的模型。</translation>
    </message>
    <message>
        <source>The model folder “{path}” does not exist. Check where it is.</source>
        <translation>模型文件夹“{path}”不存在。请检查它的位置。</translation>
    </message>
    <message>
        <source>“{path}” is no model folder. Choose another folder, or convert a checkpoint.</source>
        <translation>“{path}”不是模型文件夹。请选择别的文件夹，或者转换检查点。</translation>
    </message>
    <message>
        <source>The model folder lacks the file {file}. Fetch or convert the model again.</source>
        <translation>模型文件夹中缺少文件 {file}。请重新获取或转换模型。</translation>
    </message>
    <message>
        <source>The file {file} of the model is cut off. Fetch or convert the model again.</source>
        <translation>模型的文件 {file} 不完整。请重新获取或转换模型。</translation>
    </message>
    <message>
        <source>The model is damaged: {file} differs from its SHA-256. Fetch or convert the model again.</source>
        <translation>模型已损坏：文件 {file} 与其 SHA-256 不符。请重新获取或转换模型。</translation>
    </message>
    <message>
        <source>The model is damaged: a file differs from its SHA-256. Fetch or convert it again.</source>
        <translation>模型已损坏：有文件与其 SHA-256 不符。请重新获取或转换。</translation>
    </message>
    <message>
        <source>The description of the model is damaged. Fetch or convert the model again.</source>
        <translation>模型的说明文件已损坏。请重新获取或转换模型。</translation>
    </message>
    <message>
        <source>The model is of a newer format ({version}). Update the program.</source>
        <translation>模型的格式较新（{version}）。请更新程序。</translation>
    </message>
    <message>
        <source>The rules forbid every possible next word. Loosen one of them.</source>
        <translation>这些规则把所有可能的下一个词都禁掉了。请放宽其中一条。</translation>
    </message>
    <message>
        <source>The model computes no valid numbers, so it is damaged. Fetch or convert it again.</source>
        <translation>模型算不出有效的数值，已经损坏。请重新获取或转换。</translation>
    </message>
    <message>
        <source>The model needs {needed}, but only {free} are free. Free some space and try again.</source>
        <translation>模型需要 {needed}，而可用空间只有 {free}。请腾出空间后再试。</translation>
    </message>
    <message>
        <source>There is an NVIDIA card, but {obstacle}. The processor is used.</source>
        <translation>有 NVIDIA 显卡，但无法使用（{obstacle}）。现在改用处理器。</translation>
    </message>
    <message>
        <source>With this model the processor is faster than the graphics card ({ours} ms, {theirs} ms). It is used.</source>
        <translation>用这个模型时，处理器比显卡快（{ours} 毫秒，显卡 {theirs} 毫秒），所以使用处理器。</translation>
    </message>
    <message>
        <source>The NVIDIA card cannot be used: {obstacle}. Choose the processor.</source>
        <translation>无法使用 NVIDIA 显卡（{obstacle}）。请选择处理器。</translation>
    </message>
    <message>
        <source>Too many tasks are waiting. Wait until one has ended, or stop it.</source>
        <translation>等待中的任务太多。请等其中一个结束，或者停止它。</translation>
    </message>
    <message>
        <source>The engine is not running. Start it again.</source>
        <translation>引擎没有运行。请重新启动引擎。</translation>
    </message>
    <message>
        <source>The engine cannot be started. Install the program again.</source>
        <translation>引擎无法启动。请重新安装程序。</translation>
    </message>
    <message>
        <source>“{name}” is part of the program and stays. Only models that you added can be removed.</source>
        <translation>“{name}”是程序自带的模型，不能移除。只能移除您自己添加的模型。</translation>
    </message>
    <message>
        <source>“{path}” is a file, not a model folder. Choose a folder, or convert a checkpoint.</source>
        <translation>“{path}”是文件，不是模型文件夹。请选择文件夹，或者转换检查点。</translation>
    </message>
    <message>
        <source>The model&apos;s n-grams are damaged or of another model. Fetch the model again.</source>
        <translation>模型的 n 元组已损坏，或属于另一个模型。请重新获取该模型。</translation>
    </message>
    <message>
        <source>“{file}” leads out of the model folder. Do not use this model.</source>
        <translation>“{file}”指向模型文件夹之外。请不要使用这个模型。</translation>
    </message>
    <message>
        <source>“{file}” is not an ordinary file. Do not use this model.</source>
        <translation>“{file}”不是普通文件。请不要使用这个模型。</translation>
    </message>
    <message>
        <source>The disk is full. Free some space and try again.</source>
        <translation>磁盘已满。请腾出空间后再试。</translation>
    </message>
    <message>
        <source>“{path}” cannot be read: you have no permission. Ask its owner, or choose another place.</source>
        <translation>无法读取“{path}”：您没有权限。请联系它的所有者，或者选择别的位置。</translation>
    </message>
    <message>
        <source>“{path}” cannot be changed: you may not write there. Ask its owner, or choose another place.</source>
        <translation>无法写入“{path}”：您没有权限。请联系它的所有者，或者选择别的位置。</translation>
    </message>
    <message>
        <source>“{path}” does not exist any more. Check the name and try again.</source>
        <translation>“{path}”已不存在。请检查名称后再试。</translation>
    </message>
    <message>
        <source>“{path}” cannot be read ({reason}). Check permissions and disk, then try again.</source>
        <translation>无法读取“{path}”（{reason}）。请检查权限和磁盘后再试。</translation>
    </message>
    <message>
        <source>“{path}” cannot be written ({reason}). Check permissions and disk, then try again.</source>
        <translation>无法写入“{path}”（{reason}）。请检查权限和磁盘后再试。</translation>
    </message>
    <message>
        <source>You have no home folder, so there is no place for models and settings. Set HOME, or start the program with --profile.</source>
        <translation>您没有主文件夹，模型和设置无处存放。请设置 HOME，或者用 --profile 启动程序。</translation>
    </message>
    <message>
        <source>ONNX Runtime cannot load “{path}”. Fetch or convert the model again.</source>
        <translation>ONNX Runtime 无法加载“{path}”。请重新获取或转换模型。</translation>
    </message>
    <message>
        <source>The model needs {needed} of memory (weights {weights}, cache {cache}, working {working}), but {free} is free. Close other programs, or take a smaller model.</source>
        <translation>模型需要 {needed} 内存（权重 {weights}，缓存 {cache}，运算 {working}），而现在只有 {free} 可用。请关闭别的程序，或者换用较小的模型。</translation>
    </message>
    <message>
        <source>Memory is short: with a long text the model needs {needed}, and {free} is free. Close other programs, or take a smaller model.</source>
        <translation>内存紧张：文章较长时，模型需要 {needed}，而现在只有 {free} 可用。请关闭别的程序，或者换用较小的模型。</translation>
    </message>
    <message>
        <source>There is not enough memory. Close other programs, or take a smaller model.</source>
        <translation>内存不足。请关闭别的程序，或者换用较小的模型。</translation>
    </message>
    <message>
        <source>The model could not be run ({reason}). Start the program again, or choose the processor.</source>
        <translation>模型无法运行（{reason}）。请重新启动程序，或者改用处理器。</translation>
    </message>
    <message>
        <source>This program cannot run the graph of this model. Convert the model again.</source>
        <translation>程序无法运行这个模型的计算图。请重新转换模型。</translation>
    </message>
    <message>
        <source>The tokenizer has {tokens} tokens, but the model only {size}. Convert the model again with its own tokenizer.</source>
        <translation>分词器有 {tokens} 个词元，而模型只有 {size} 个。请用模型自己的分词器重新转换。</translation>
    </message>
    <message>
        <source>The tokenizer of the model is of an unknown kind ({kind}). Update the program.</source>
        <translation>模型的分词器种类未知（{kind}）。请更新程序。</translation>
    </message>
    <message>
        <source>The tokenizer does not belong to the model. Use the one that does.</source>
        <translation>分词器与模型不相配。请使用与模型相配的分词器。</translation>
    </message>
    <message>
        <source>The tokenizer “{path}” is damaged or of an unknown kind. Fetch it again.</source>
        <translation>分词器“{path}”已损坏，或者种类未知。请重新获取。</translation>
    </message>
    <message>
        <source>The tokenizer “{path}” is not a byte-level one. Use the SentencePiece file (tokenizer.model) of the model.</source>
        <translation>分词器“{path}”不是字节级的。请使用模型的 SentencePiece 文件（tokenizer.model）。</translation>
    </message>
    <message>
        <source>The text holds half a character (at position {place}). Delete it and try again.</source>
        <translation>文中有半个字符（第 {place} 位）。请删除它后再试。</translation>
    </message>
    <message>
        <source>The writing ended without a result. Try again.</source>
        <translation>续写没有结果。请再试一次。</translation>
    </message>
    <message>
        <source>Something unexpected happened in the engine ({name}). Try again, and report it if it comes back.</source>
        <translation>引擎出现意外错误（{name}）。请再试一次；如果再次出现，请报告这个问题。</translation>
    </message>
    <message>
        <source>The engine does not answer any more. Start it again.</source>
        <translation>引擎不再响应。请重新启动引擎。</translation>
    </message>
    <message>
        <source>The text is too long for the engine. Shorten it.</source>
        <translation>文章太长，引擎无法接收。请缩短文章。</translation>
    </message>
    <message>
        <source>The connection to the engine is disturbed. Start the engine again.</source>
        <translation>与引擎的通信出错。请重新启动引擎。</translation>
    </message>
    <message>
        <source>The window and the engine are of different versions. Install the program again.</source>
        <translation>窗口与引擎的版本不一致。请重新安装程序。</translation>
    </message>
    <message>
        <source>There is no checkpoint “{path}”. Check where it is.</source>
        <translation>没有检查点“{path}”。请检查它的位置。</translation>
    </message>
    <message>
        <source>“{path}” is no checkpoint that this program knows. It opens those of nanoGPT, of GPT-2 from Hugging Face, and its own.</source>
        <translation>“{path}”不是程序认识的检查点。程序能打开 nanoGPT 的、Hugging Face 上 GPT-2 的，以及本程序自己的检查点。</translation>
    </message>
    <message>
        <source>“{path}” is cut off or damaged. Fetch it again.</source>
        <translation>“{path}”不完整或已损坏。请重新获取。</translation>
    </message>
    <message>
        <source>“{path}” holds no weights. Fetch the whole model folder.</source>
        <translation>“{path}”中没有权重。请获取完整的模型文件夹。</translation>
    </message>
    <message>
        <source>This is a {family} model. Of Hugging Face’s folders only GPT-2 can be converted.</source>
        <translation>这是 {family} 模型。Hugging Face 的文件夹中只有 GPT-2 可以转换。</translation>
    </message>
    <message>
        <source>The checkpoint “{name}” holds numbers that are not finite: training went wrong there. Use an earlier one.</source>
        <translation>检查点“{name}”中有非有限的数值：训练在那里出了问题。请使用更早的检查点。</translation>
    </message>
    <message>
        <source>The checkpoint “{name}” holds an unknown tensor ({tensor}). It is another architecture, or its configuration does not belong to it.</source>
        <translation>检查点“{name}”中有未知的张量（{tensor}）。它属于别的架构，或者与配置不相配。</translation>
    </message>
    <message>
        <source>The checkpoint “{name}” lacks the tensor {tensor}. Save or fetch it again.</source>
        <translation>检查点“{name}”缺少张量 {tensor}。请重新保存或获取。</translation>
    </message>
    <message>
        <source>In the checkpoint “{name}”, {tensor} does not fit the configuration. They do not belong together.</source>
        <translation>检查点“{name}”中的 {tensor} 与配置不符，二者不相配。</translation>
    </message>
    <message>
        <source>The tokenizer has {tokens} tokens, but the model only {size}. Put the tokenizer that belongs to the model into its folder.</source>
        <translation>分词器有 {tokens} 个词元，而模型只有 {size} 个。请把与模型相配的分词器放进它的文件夹。</translation>
    </message>
    <message>
        <source>“{path}” holds no tokenizer. Put the tokenizer that belongs to the model beside the checkpoint.</source>
        <translation>“{path}”中没有分词器。请把与模型相配的分词器放在检查点旁边。</translation>
    </message>
    <message>
        <source>The checkpoint “{path}” made its reader stop ({reason}). It is damaged, hostile or too large for this computer.</source>
        <translation>检查点“{path}”使读取程序中止（{reason}）。它已损坏、带有恶意，或者对这台电脑来说太大。</translation>
    </message>
    <message>
        <source>The converted model differs too much from its original, so nothing was written.</source>
        <translation>转换后的模型与原模型相差太大，因此没有写入任何文件。</translation>
    </message>
    <message>
        <source>PyTorch {version} is not safe with checkpoints. Install PyTorch 2.10 or newer in the environment for conversions.</source>
        <translation>PyTorch {version} 读取检查点不安全。请在转换用的环境中安装 PyTorch 2.10 或更新的版本。</translation>
    </message>
    <message>
        <source>A recurrent network is converted in fp32 only. Choose that precision.</source>
        <translation>循环网络只能按 fp32 转换。请选择这种精度。</translation>
    </message>
    <message>
        <source>Converting needs {names}, which the Python for conversions lacks. Install the export add-on there.</source>
        <translation>转换需要 {names}，而转换用的 Python 中没有。请在其中安装导出组件。</translation>
    </message>
    <message>
        <source>“{path}” exists already. Try again: the model then gets another name.</source>
        <translation>“{path}”已经存在。请再试一次，模型会换用别的名称。</translation>
    </message>
    <message>
        <source>The checkpoint uses {option}, which this program’s GPT does not have. It cannot be converted.</source>
        <translation>检查点用到了 {option}，本程序的 GPT 没有这一项，因此无法转换。</translation>
    </message>
    <message>
        <source>The checkpoint uses the activation {name}, which this program does not know. It cannot be converted.</source>
        <translation>检查点用到了激活函数 {name}，程序不认识它，因此无法转换。</translation>
    </message>
    <message>
        <source>“{path}” is damaged: {heads} heads do not divide the width {width}. Fetch it again.</source>
        <translation>“{path}”已损坏：宽度 {width} 不能被 {heads} 个注意力头整除。请重新获取。</translation>
    </message>
    <message>
        <source>“{path}” does not name the parts of the model. Fetch the model again.</source>
        <translation>“{path}”没有正确列出模型的各个部分。请重新获取模型。</translation>
    </message>
    <message>
        <source>“{path}” lacks {file}. Fetch the whole model folder.</source>
        <translation>“{path}”中缺少 {file}。请获取完整的模型文件夹。</translation>
    </message>
    <message>
        <source>“{path}” is a PyTorch file, but not one of nanoGPT, so its shape is unknown. Choose a Hugging Face folder, or a checkpoint of this program.</source>
        <translation>“{path}”是 PyTorch 文件，但不是 nanoGPT 的，无从得知它的结构。请选择 Hugging Face 的文件夹，或者本程序自己的检查点。</translation>
    </message>
    <message>
        <source>“{path}” lacks {names} in model_args. Save the checkpoint again with nanoGPT.</source>
        <translation>“{path}”的 model_args 中缺少 {names}。请用 nanoGPT 重新保存检查点。</translation>
    </message>
    <message>
        <source>“{path}” is no checkpoint of this program. Choose another folder.</source>
        <translation>“{path}”不是本程序的检查点。请选择别的文件夹。</translation>
    </message>
    <message>
        <source>The checkpoint is of another version ({version}). Update the program.</source>
        <translation>检查点的版本不同（{version}）。请更新程序。</translation>
    </message>
    <message>
        <source>“{path}” holds its weights in parts, for a run to go on from. Choose the folder “final” of that run.</source>
        <translation>“{path}”里的权重是分片的，供训练接着用。请选择那次训练的“final”文件夹。</translation>
    </message>
    <message>
        <source>“{path}” holds {tensor}, which another part holds too. Save or fetch the model again.</source>
        <translation>“{path}”中的 {tensor} 与别的部分重复。请重新保存或获取模型。</translation>
    </message>
    <message>
        <source>In “{path}”, {tensor} holds {dtype} numbers, which cannot be converted. Choose the checkpoint before it was quantized.</source>
        <translation>“{path}”中的 {tensor} 是 {dtype} 数值，无法转换。请选择量化之前的检查点。</translation>
    </message>
    <message>
        <source>“{path}” holds more than tensors and plain values, so it was not opened. Save only the state_dict of the model, or use safetensors.</source>
        <translation>“{path}”中不只有张量和普通的值，因此没有打开。请只保存模型的 state_dict，或者使用 safetensors。</translation>
    </message>
    <message>
        <source>“{path}” is in PyTorch’s old format. Load it where you trust it, and save it again with torch.save.</source>
        <translation>“{path}”是 PyTorch 的旧格式。请在您信任的环境中读取，再用 torch.save 重新保存。</translation>
    </message>
    <message>
        <source>The file does not hold the plain tensors of a model. Save the state_dict of the model in it.</source>
        <translation>文件中不是一个模型的普通张量。请在其中保存模型的 state_dict。</translation>
    </message>
    <message>
        <source>“{path}” unpacks to more than it is, so it was not opened. Fetch it again, or save it again with torch.save.</source>
        <translation>“{path}”解开后比文件本身还大，因此没有打开。请重新获取，或者用 torch.save 重新保存。</translation>
    </message>
    <message>
        <source>The checkpoint “{name}” holds a tensor twice. Save it again.</source>
        <translation>检查点“{name}”中有重复的张量。请重新保存。</translation>
    </message>
    <message>
        <source>The configuration of the checkpoint is impossible: {reason}. Fetch or save it again.</source>
        <translation>检查点的配置无效：{reason}。请重新获取或保存。</translation>
    </message>
    <message>
        <source>The end-of-text token of the model is {end}, but the tokenizer has only {tokens} tokens. Put the tokenizer that belongs to the model into its folder.</source>
        <translation>模型的结束词元是 {end}，而分词器只有 {tokens} 个词元。请把与模型相配的分词器放进它的文件夹。</translation>
    </message>
    <message>
        <source>There is no tokenizer “{path}”. Check where it is.</source>
        <translation>没有分词器“{path}”。请检查它的位置。</translation>
    </message>
    <message>
        <source>“{path}” is a pickle, which could run anything, so it is never opened. Put a tokenizer.json beside the checkpoint.</source>
        <translation>“{path}”是 pickle 文件，可能运行任意代码，因此不会打开。请在检查点旁边放一个 tokenizer.json。</translation>
    </message>
    <message>
        <source>vocab.json and merges.txt in “{path}” are damaged. Fetch them again.</source>
        <translation>“{path}”中的 vocab.json 和 merges.txt 已损坏。请重新获取。</translation>
    </message>
    <message>
        <source>The tokenizer has no token {token}. Check --end-of-text.</source>
        <translation>分词器中没有词元 {token}。请检查 --end-of-text。</translation>
    </message>
    <message>
        <source>Nothing says which token ends a text. Convert the checkpoint on the command line, and name the token with --end-of-text.</source>
        <translation>无从得知哪个词元表示结束。请在命令行中转换检查点，用 --end-of-text 指定这个词元。</translation>
    </message>
    <message>
        <source>This checkpoint brings no tokenizer. Convert it on the command line, and name the tokenizer with --tokenizer.</source>
        <translation>这个检查点没有自带分词器。请在命令行中转换检查点，用 --tokenizer 指定分词器。</translation>
    </message>
    <message>
        <source>A file cannot be read or written: {line}</source>
        <translation>无法读写文件：{line}</translation>
    </message>
    <message>
        <source>The disk is full: {line}</source>
        <translation>磁盘已满：{line}</translation>
    </message>
    <message>
        <source>The model cannot be used: {line}</source>
        <translation>模型无法使用：{line}</translation>
    </message>
    <message>
        <source>The model’s tokenizer cannot be used: {line}</source>
        <translation>模型的分词器无法使用：{line}</translation>
    </message>
    <message>
        <source>This text cannot be continued: {line}</source>
        <translation>无法续写这段文字：{line}</translation>
    </message>
    <message>
        <source>The device cannot be used: {line}</source>
        <translation>设备无法使用：{line}</translation>
    </message>
    <message>
        <source>The engine reports: {line}</source>
        <translation>引擎报告：{line}</translation>
    </message>
    <message>
        <source>The checkpoint cannot be converted: {line}</source>
        <translation>检查点无法转换：{line}</translation>
    </message>
    <message>
        <source>The converted model does not agree with its original: {line}</source>
        <translation>转换后的模型与原模型不一致：{line}</translation>
    </message>
    <message>
        <source>A part of the program is not installed: {line}</source>
        <translation>程序缺少组件：{line}</translation>
    </message>
    <message>
        <source>signal {number}</source>
        <translation>信号 {number}</translation>
    </message>
    <message>
        <source>status {number}</source>
        <translation>状态码 {number}</translation>
    </message>
    <message>
        <source>no NVIDIA driver answers</source>
        <translation>没有可用的 NVIDIA 驱动程序</translation>
    </message>
    <message>
        <source>this ONNX Runtime was built without CUDA</source>
        <translation>所装的 ONNX Runtime 不支持 CUDA</translation>
    </message>
    <message>
        <source>the {dtype} cache of this model works on the processor only</source>
        <translation>这个模型的 {dtype} 缓存只能用处理器计算</translation>
    </message>
    <message>
        <source>this model&apos;s cache grows by copies, which works on the processor only</source>
        <translation>这个模型的缓存每一步都要复制，只能用处理器</translation>
    </message>
    <message>
        <source>ONNX Runtime could not use CUDA on the {card}; is the CUDA add-on installed?</source>
        <translation>ONNX Runtime 无法在 {card} 上使用 CUDA，请检查是否装有 CUDA 组件</translation>
    </message>
    <message>
        <source>{name} is {value}, but must be a whole number of at least 1</source>
        <translation>{name} 是 {value}，而它应为不小于 1 的整数</translation>
    </message>
    <message>
        <source>{name} is {value}, but must be a whole number of at least 0</source>
        <translation>{name} 是 {value}，而它应为不小于 0 的整数</translation>
    </message>
    <message>
        <source>{name} is {value}, but may be at most {limit}</source>
        <translation>{name} 是 {value}，而它最大为 {limit}</translation>
    </message>
    <message>
        <source>{name} is {value}, but must be true or false</source>
        <translation>{name} 是 {value}，而它应为 true 或 false</translation>
    </message>
    <message>
        <source>{name} is {value}, but must be a positive number</source>
        <translation>{name} 是 {value}，而它应为正数</translation>
    </message>
    <message>
        <source>{name} is {value}, but must be {wanted}</source>
        <translation>{name} 是 {value}，而它应为 {wanted}</translation>
    </message>
    <message>
        <source>{name} is {value}, but must be a multiple of {factor}</source>
        <translation>{name} 是 {value}，而它应为 {factor} 的倍数</translation>
    </message>
    <message>
        <source>{heads} heads cannot share {kv} key/value heads evenly</source>
        <translation>{heads} 个注意力头不能均分 {kv} 个键值头</translation>
    </message>
    <message>
        <source>head_size is {size}, but must be even</source>
        <translation>head_size 是 {size}，而它应为偶数</translation>
    </message>
    <message>
        <source>{names} is unknown; a newer version may have written it</source>
        <translation>未知的项 {names}，可能由更新的版本写成</translation>
    </message>
    <message>
        <source>{names} is missing</source>
        <translation>缺少 {names}</translation>
    </message>
    <message>
        <source>Input/output error</source>
        <translation>输入输出错误</translation>
    </message>
    <message>
        <source>Permission denied</source>
        <translation>没有权限</translation>
    </message>
    <message>
        <source>Operation not permitted</source>
        <translation>不允许的操作</translation>
    </message>
    <message>
        <source>No such file or directory</source>
        <translation>文件或文件夹不存在</translation>
    </message>
    <message>
        <source>Is a directory</source>
        <translation>这是文件夹</translation>
    </message>
    <message>
        <source>Not a directory</source>
        <translation>这不是文件夹</translation>
    </message>
    <message>
        <source>Read-only file system</source>
        <translation>磁盘是只读的</translation>
    </message>
    <message>
        <source>No space left on device</source>
        <translation>磁盘已满</translation>
    </message>
    <message>
        <source>Disk quota exceeded</source>
        <translation>磁盘配额已用完</translation>
    </message>
    <message>
        <source>File name too long</source>
        <translation>名称太长</translation>
    </message>
    <message>
        <source>File too large</source>
        <translation>文件太大</translation>
    </message>
    <message>
        <source>Too many open files</source>
        <translation>打开的文件太多</translation>
    </message>
    <message>
        <source>Too many levels of symbolic links</source>
        <translation>链接层数太多</translation>
    </message>
    <message>
        <source>Device or resource busy</source>
        <translation>设备正忙</translation>
    </message>
    <message>
        <source>Cannot allocate memory</source>
        <translation>内存不足</translation>
    </message>
    <message>
        <source>Stale file handle</source>
        <translation>网络磁盘上的文件已失效</translation>
    </message>
    <message>
        <source>Transport endpoint is not connected</source>
        <translation>网络磁盘已断开</translation>
    </message>
    <message>
        <source>Connection timed out</source>
        <translation>连接超时</translation>
    </message>
    <message>
        <source>Directory not empty</source>
        <translation>文件夹不是空的</translation>
    </message>
    <message>
        <source>File exists</source>
        <translation>文件已存在</translation>
    </message>
    <message>
        <source>The model asks for the input “{name}”, which this program cannot give. Take a model that continues text from text alone.</source>
        <translation>模型需要输入“{name}”，而本程序无法提供。请换一个只凭文字续写文字的模型。</translation>
    </message>
    <message>
        <source>The model was exported without a cache, so every token would take the whole text. Export it again for text generation with past.</source>
        <translation>这个模型导出时没有缓存，每写一个词元都要重算全文。请以带缓存的文本生成方式重新导出。</translation>
    </message>
    <message>
        <source>The model keeps its cache in a form that this program does not know. Take another export of it.</source>
        <translation>模型的缓存采用了本程序不认识的形式。请换一种方式导出的模型。</translation>
    </message>
    <message>
        <source>“{path}” is no ONNX model, or it is damaged. Fetch the model again.</source>
        <translation>“{path}”不是 ONNX 模型，或者已损坏。请重新获取模型。</translation>
    </message>
    <message>
        <source>The model folder has no tokenizer. Put the model&apos;s tokenizer.json into it.</source>
        <translation>模型文件夹里没有分词器。请把模型的 tokenizer.json 放进去。</translation>
    </message>
    <message>
        <source>The model folder does not say how many tokens the model sees. Add max_position_embeddings to config.json.</source>
        <translation>模型文件夹没有说明模型能看到多少词元。请在 config.json 中加上 max_position_embeddings。</translation>
    </message>
    <message>
        <source>The model folder does not say which token ends a text. Add eos_token_id to its configuration.</source>
        <translation>模型文件夹没有说明哪个词元表示文本结束。请在它的配置中加上 eos_token_id。</translation>
    </message>
    <message>
        <source>The model is made for more than continuing text. This program runs decoders of text alone.</source>
        <translation>这个模型不只是用来续写文字的。本程序只运行纯文字的解码器。</translation>
    </message>
    <message>
        <source>The model is cut into several graphs, or its cache slides. Export it as one graph for the processor.</source>
        <translation>这个模型被拆成了几个计算图，或者使用滑动缓存。请为处理器导出成一个计算图。</translation>
    </message>
    <message>
        <source>The model cannot go on with its cache. Export it again, perhaps in another precision.</source>
        <translation>模型无法接着缓存继续计算。请重新导出，也可以换一种精度。</translation>
    </message>
    <message>
        <source>This model runs one text at a time. Ask for one candidate.</source>
        <translation>这个模型一次只能处理一段文字。请只要一个候选。</translation>
    </message>
</context>
<context>
    <name>ExportControl</name>
    <message>
        <source>Texts and Word documents (*.txt *.md *.docx)</source>
        <translation>文本和 Word 文档 (*.txt *.md *.docx)</translation>
    </message>
    <message>
        <source>All files (*)</source>
        <translation>所有文件 (*)</translation>
    </message>
    <message>
        <source>Import</source>
        <translation>导入</translation>
    </message>
    <message>
        <source>Export</source>
        <translation>导出</translation>
    </message>
    <message>
        <source>Choose another name</source>
        <translation>请换一个名字</translation>
    </message>
    <message>
        <source>“{name}” is the file you are writing in. An export would replace it.</source>
        <translation>“{name}”是正在写的文件，导出会把它盖掉。</translation>
    </message>
    <message>
        <source>Replace {name}?</source>
        <translation>替换“{name}”吗？</translation>
    </message>
    <message>
        <source>A file of this name is there already.</source>
        <translation>已经有同名的文件了。</translation>
    </message>
    <message>
        <source>Replace</source>
        <translation>替换</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Exporting {name}…</source>
        <translation>正在导出 {name}…</translation>
    </message>
    <message>
        <source>Exported {name}.</source>
        <translation>已导出 {name}。</translation>
    </message>
    <message>
        <source>The text is not exported</source>
        <translation>文字没有导出</translation>
    </message>
    <message>
        <source>Imported {name} as a new text.</source>
        <translation>已把 {name} 导入为新的文字。</translation>
    </message>
    <message>
        <source>This file cannot be imported</source>
        <translation>无法导入这个文件</translation>
    </message>
</context>
<context>
    <name>ExportDialog</name>
    <message>
        <source>Word document (.docx)</source>
        <translation>Word 文档 (.docx)</translation>
    </message>
    <message>
        <source>PDF (.pdf)</source>
        <translation>PDF (.pdf)</translation>
    </message>
    <message>
        <source>E-book (.epub)</source>
        <translation>电子书 (.epub)</translation>
    </message>
    <message>
        <source>OpenDocument text (.odt)</source>
        <translation>OpenDocument 文本 (.odt)</translation>
    </message>
    <message>
        <source>Web page (.html)</source>
        <translation>网页 (.html)</translation>
    </message>
    <message>
        <source>Markdown (.md)</source>
        <translation>Markdown (.md)</translation>
    </message>
    <message>
        <source>Plain text (.txt)</source>
        <translation>纯文本 (.txt)</translation>
    </message>
    <message>
        <source>Export</source>
        <translation>导出</translation>
    </message>
    <message>
        <source>With the &amp;origin of the text (who wrote what)</source>
        <translation>带上文字来源，即哪些是谁写的(&amp;O)</translation>
    </message>
    <message>
        <source>A single line end does not &amp;end a paragraph</source>
        <translation>单个换行不分段(&amp;E)</translation>
    </message>
    <message>
        <source>A web page marks it in the text; for other formats a .provenance.json lies beside.</source>
        <translation>网页在文中标出；其他格式在旁边另存一个 .provenance.json。</translation>
    </message>
    <message>
        <source>&amp;Format</source>
        <translation>格式(&amp;F)</translation>
    </message>
    <message>
        <source>&amp;Title</source>
        <translation>书名(&amp;T)</translation>
    </message>
    <message>
        <source>&amp;Author</source>
        <translation>作者(&amp;A)</translation>
    </message>
    <message>
        <source>&amp;Language</source>
        <translation>语言(&amp;L)</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Export…</source>
        <translation>导出…</translation>
    </message>
</context>
<context>
    <name>ExportJobs</name>
    <message>
        <source>Converting a checkpoint needs the export add-on, which is not installed. Make a Python environment with it (python3 -m venv FOLDER, then FOLDER/bin/pip install &apos;nextstroke[export]&apos;) and choose that folder as the Python for conversions. Model folders can be added without it.</source>
        <translation>转换检查点需要导出组件，而它没有安装。请创建一个带有该组件的 Python 环境（先运行 python3 -m venv 文件夹，再运行 文件夹/bin/pip install &apos;nextstroke[export]&apos;），然后把这个文件夹选作转换用的 Python。添加模型文件夹不需要它。</translation>
    </message>
    <message>
        <source>Several conversions are waiting already; wait until one has ended.</source>
        <translation>已有多个转换在等待，请等其中一个结束。</translation>
    </message>
    <message>
        <source>The Python for conversions cannot be started ({program}); choose another one.</source>
        <translation>转换用的 Python 无法启动（{program}），请另选一个。</translation>
    </message>
    <message>
        <source>The conversion was ended by the system, most likely for want of memory; close programs first.</source>
        <translation>转换被系统终止，多半是内存不足。请先关闭一些程序。</translation>
    </message>
    <message>
        <source>The conversion ended without a result ({reason}).</source>
        <translation>转换结束，但没有结果（{reason}）。</translation>
    </message>
</context>
<context>
    <name>ExportWords</name>
    <message>
        <source>reading the checkpoint</source>
        <translation>读取检查点</translation>
    </message>
    <message>
        <source>preparing the comparison</source>
        <translation>准备比较</translation>
    </message>
    <message>
        <source>measuring activations</source>
        <translation>测量激活值</translation>
    </message>
    <message>
        <source>writing the graph</source>
        <translation>写出计算图</translation>
    </message>
    <message>
        <source>writing the graph for prompts</source>
        <translation>写出读取提示用的计算图</translation>
    </message>
    <message>
        <source>comparing with the original</source>
        <translation>与原模型比较</translation>
    </message>
    <message>
        <source>checking the files</source>
        <translation>检查文件</translation>
    </message>
    <message>
        <source>writing the model folder</source>
        <translation>写入模型文件夹</translation>
    </message>
    <message>
        <source>done</source>
        <translation>完成</translation>
    </message>
</context>
<context>
    <name>FindBar</name>
    <message>
        <source>{count} replaced</source>
        <translation>已替换 {count} 处</translation>
    </message>
    <message>
        <source>not found</source>
        <translation>没有找到</translation>
    </message>
    <message>
        <source>1 place</source>
        <translation>1 处</translation>
    </message>
    <message>
        <source>{count} places</source>
        <translation>{count} 处</translation>
    </message>
    <message>
        <source>Find</source>
        <translation>查找</translation>
    </message>
    <message>
        <source>Replace with</source>
        <translation>替换为</translation>
    </message>
    <message>
        <source>Replace</source>
        <translation>替换</translation>
    </message>
    <message>
        <source>Replace All</source>
        <translation>全部替换</translation>
    </message>
    <message>
        <source>Previous place</source>
        <translation>上一处</translation>
    </message>
    <message>
        <source>Next place</source>
        <translation>下一处</translation>
    </message>
    <message>
        <source>Close the find bar</source>
        <translation>关闭查找栏</translation>
    </message>
</context>
<context>
    <name>MainWindow</name>
    <message>
        <source>Model</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Statistics</source>
        <translation>统计</translation>
    </message>
    <message>
        <source>{name} is neither a model folder nor a checkpoint, so there is nothing to do with it.</source>
        <translation>“{name}”既不是模型文件夹，也不是检查点，无法处理。</translation>
    </message>
    <message>
        <source>Page</source>
        <translation>正文</translation>
    </message>
    <message>
        <source>The text. Ctrl+Enter lets the model write on from the caret.</source>
        <translation>正文。按 Ctrl+Enter，模型会从光标处续写。</translation>
    </message>
</context>
<context>
    <name>ModelControl</name>
    <message>
        <source>starting…</source>
        <translation>正在启动…</translation>
    </message>
    <message>
        <source>opening the model…</source>
        <translation>正在打开模型…</translation>
    </message>
    <message>
        <source>no model</source>
        <translation>没有模型</translation>
    </message>
    <message>
        <source>The model is being opened; it writes on in a moment.</source>
        <translation>正在打开模型，稍候即可续写。</translation>
    </message>
    <message>
        <source>The engine is not running; Model ▸ Start the Engine Again starts it.</source>
        <translation>引擎没有运行；请选“模型 ▸ 重新启动引擎”。</translation>
    </message>
    <message>
        <source>Add a model folder with Model ▸ Add Model Folder…; you can write without one.</source>
        <translation>可用“模型 ▸ 添加模型文件夹…”添加模型；没有模型也能照常写作。</translation>
    </message>
    <message>
        <source>There is no usable model. </source>
        <translation>没有可用的模型。</translation>
    </message>
    <message>
        <source>Add Model Folder</source>
        <translation>添加模型文件夹</translation>
    </message>
    <message>
        <source>{name} is added as soon as the engine runs.</source>
        <translation>引擎启动后即添加 {name}。</translation>
    </message>
    <message>
        <source>Adding {name}…</source>
        <translation>正在添加“{name}”…</translation>
    </message>
    <message>
        <source>This model came with the program and stays; choose another one to remove.</source>
        <translation>这是程序自带的模型，不能移除；请选择别的模型。</translation>
    </message>
    <message>
        <source>Cancelling…</source>
        <translation>正在取消…</translation>
    </message>
    <message>
        <source>Remove {name}?</source>
        <translation>移除“{name}”吗？</translation>
    </message>
    <message>
        <source>Its folder is deleted from the model library: {folder}</source>
        <translation>它的文件夹将从模型库中删除：{folder}</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>移除</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>The engine stopped and was started again; the text is untouched.</source>
        <translation>引擎曾经停止，已重新启动；文字完好无损。</translation>
    </message>
    <message>
        <source>{name} is open in its place.</source>
        <translation>已改用 {name}。</translation>
    </message>
    <message>
        <source>{name} was added.</source>
        <translation>已添加“{name}”。</translation>
    </message>
    <message>
        <source>{name} was removed.</source>
        <translation>已移除“{name}”。</translation>
    </message>
    <message>
        <source>The adding was cancelled; nothing of it is left.</source>
        <translation>添加已取消，没有留下任何东西。</translation>
    </message>
    <message>
        <source>The model was not added</source>
        <translation>模型没有添加成功</translation>
    </message>
    <message>
        <source>The model was not removed</source>
        <translation>模型没有移除</translation>
    </message>
    <message>
        <source>{name} is added after {other}.</source>
        <translation>“{other}”添加完之后，再添加“{name}”。</translation>
    </message>
</context>
<context>
    <name>ModelPanel</name>
    <message>
        <source>{name} (cannot be used)</source>
        <translation>{name}（无法使用）</translation>
    </message>
    <message>
        <source>No model is open.</source>
        <translation>没有打开的模型。</translation>
    </message>
    <message>
        <source>reads {count} tokens</source>
        <translation>可读 {count} 个词元</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Length</source>
        <translation>长度</translation>
    </message>
    <message>
        <source>Temperature</source>
        <translation>温度</translation>
    </message>
    <message>
        <source>Seed</source>
        <translation>种子</translation>
    </message>
    <message>
        <source>Runs on</source>
        <translation>运行设备</translation>
    </message>
    <message>
        <source>choose a model</source>
        <translation>选择模型</translation>
    </message>
    <message>
        <source>Add a model folder…</source>
        <translation>添加模型文件夹…</translation>
    </message>
    <message>
        <source>Add a model folder</source>
        <translation>添加模型文件夹</translation>
    </message>
    <message>
        <source>a new one each time</source>
        <translation>每次随机</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>the best there is</source>
        <translation>自动选择</translation>
    </message>
    <message>
        <source>the processor</source>
        <translation>处理器</translation>
    </message>
    <message>
        <source>the graphics card</source>
        <translation>显卡</translation>
    </message>
</context>
<context>
    <name>ModelWords</name>
    <message>
        <source>a sentence</source>
        <translation>一句话</translation>
    </message>
    <message>
        <source>a paragraph</source>
        <translation>一段话</translation>
    </message>
    <message>
        <source>a page</source>
        <translation>一页</translation>
    </message>
    <message>
        <source>{words} · up to {tokens} tokens</source>
        <translation>{words} · 最多 {tokens} 个词元</translation>
    </message>
    <message>
        <source>always the likeliest</source>
        <translation>总选最可能的</translation>
    </message>
    <message>
        <source>steady</source>
        <translation>平稳</translation>
    </message>
    <message>
        <source>balanced</source>
        <translation>均衡</translation>
    </message>
    <message>
        <source>lively</source>
        <translation>活泼</translation>
    </message>
    <message>
        <source>unbound</source>
        <translation>奔放</translation>
    </message>
    <message>
        <source>English</source>
        <translation>英文</translation>
    </message>
    <message>
        <source>Chinese</source>
        <translation>中文</translation>
    </message>
    <message>
        <source>, </source>
        <comment>between the members of a list</comment>
        <translation>、</translation>
    </message>
    <message>
        <source>Not certified: nobody compared this model with its original.</source>
        <translation>未认证：这个模型没有与原模型比较过。</translation>
    </message>
    <message>
        <source>Certified: compared with its original when it was converted.</source>
        <translation>已认证：转换时与原模型比较过。</translation>
    </message>
    <message>
        <source>Certified: compared with its original, it names the same next token in {share} of the places.</source>
        <translation>已认证：与原模型相比，在 {share} 的位置上给出相同的下一个词元。</translation>
    </message>
</context>
<context>
    <name>OpenDocument</name>
    <message>
        <source>Untitled</source>
        <translation>未命名</translation>
    </message>
    <message>
        <source>Untitled {number}</source>
        <translation>未命名 {number}</translation>
    </message>
    <message>
        <source>Nothing is written into it by itself until you have saved it or read it again.</source>
        <translation>在你保存它或重新读取它之前，不会再自动写入。</translation>
    </message>
    <message>
        <source>Nothing was inserted: it has a line of more than {count} characters. Break that line first.</source>
        <translation>什么也没有插入：其中有一行超过 {count} 个字符。请先把那一行分开。</translation>
    </message>
    <message>
        <source>{name} was removed by another program; save it to put it back.</source>
        <translation>“{name}”被其他程序删除了；保存即可恢复。</translation>
    </message>
    <message>
        <source>Changes that were not saved in {name} are back.</source>
        <translation>“{name}”中未保存的更改已恢复。</translation>
    </message>
    <message>
        <source>The text of {name} is still on the page; save it to put the file back.</source>
        <translation>“{name}”的文字还在页面上，保存即可恢复文件。</translation>
    </message>
    <message>
        <source>Saved {name}.</source>
        <translation>已保存“{name}”。</translation>
    </message>
    <message>
        <source>{name} was changed by another program and cannot be read; your text is on the page.</source>
        <translation>“{name}”被其他程序修改过，而且无法读取；您的文字在页面上。</translation>
    </message>
</context>
<context>
    <name>Opening</name>
    <message>
        <source>Open</source>
        <translation>打开</translation>
    </message>
</context>
<context>
    <name>OriginControl</name>
    <message>
        <source>There is no text here yet.</source>
        <translation>这里还没有文字。</translation>
    </message>
    <message>
        <source>This has several origins.</source>
        <translation>这段文字有几种来源。</translation>
    </message>
    <message>
        <source>{count} characters</source>
        <translation>{count} 个字符</translation>
    </message>
    <message>
        <source>Where This Came From</source>
        <translation>这段文字的来源</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
</context>
<context>
    <name>OriginWords</name>
    <message>
        <source>typed by hand</source>
        <translation>键入</translation>
    </message>
    <message>
        <source>pasted</source>
        <translation>粘贴</translation>
    </message>
    <message>
        <source>there when the text was opened</source>
        <translation>打开时已有</translation>
    </message>
    <message>
        <source>written by the model</source>
        <translation>模型写下</translation>
    </message>
    <message>
        <source>The model wrote this. Its record was not kept with the text.</source>
        <translation>这段文字由模型写下，记录没有随文字保存。</translation>
    </message>
    <message>
        <source>You typed this.</source>
        <translation>这段文字是您键入的。</translation>
    </message>
    <message>
        <source>This was pasted from another program.</source>
        <translation>这段文字是从别的程序粘贴来的。</translation>
    </message>
    <message>
        <source>This was in the text when it was opened, so nothing more is known of it.</source>
        <translation>打开时已有这段文字，无从得知更早的来源。</translation>
    </message>
    <message>
        <source>The model wrote this.</source>
        <translation>这段文字由模型写下。</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>When</source>
        <translation>时间</translation>
    </message>
    <message>
        <source>Seed</source>
        <translation>种子</translation>
    </message>
    <message>
        <source>Temperature</source>
        <translation>温度</translation>
    </message>
    <message>
        <source>Choice of words</source>
        <translation>选词</translation>
    </message>
    <message>
        <source>Length</source>
        <translation>长度</translation>
    </message>
    <message>
        <source>It ended because</source>
        <translation>结束原因</translation>
    </message>
    <message>
        <source>Device</source>
        <translation>设备</translation>
    </message>
    <message>
        <source>The same again</source>
        <translation>重现</translation>
    </message>
    <message>
        <source>repetition penalty</source>
        <translation>重复惩罚</translation>
    </message>
    <message>
        <source>{written} of at most {limit} tokens</source>
        <translation>{written} 个词元，上限 {limit} 个</translation>
    </message>
    <message>
        <source>at most {limit} tokens</source>
        <translation>上限 {limit} 个词元</translation>
    </message>
    <message>
        <source>the length was reached</source>
        <translation>达到长度上限</translation>
    </message>
    <message>
        <source>the model ended the text</source>
        <translation>模型自己收了尾</translation>
    </message>
    <message>
        <source>a stop word came</source>
        <translation>遇到停止词</translation>
    </message>
    <message>
        <source>what was asked for was complete</source>
        <translation>所要的内容已经完整</translation>
    </message>
    <message>
        <source>the model&apos;s context was full</source>
        <translation>模型的上下文已满</translation>
    </message>
    <message>
        <source>it was stopped</source>
        <translation>被停止</translation>
    </message>
    <message>
        <source>the same text before it and the same seed give the same words on this device</source>
        <translation>上文和种子相同，在这台设备上结果也相同</translation>
    </message>
</context>
<context>
    <name>PartsDialog</name>
    <message>
        <source>Back</source>
        <translation>上一部分</translation>
    </message>
    <message>
        <source>Next</source>
        <translation>下一部分</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>Part</source>
        <translation>部分</translation>
    </message>
    <message>
        <source>Text, read-only</source>
        <translation>文字，只读</translation>
    </message>
    <message>
        <source>Part {number} of {count}.</source>
        <translation>第 {number} 部分，共 {count} 部分。</translation>
    </message>
    <message>
        <source>What is no character is shown as “�”.</source>
        <translation>不是文字的内容显示为“�”。</translation>
    </message>
    <message>
        <source>Very long lines are broken.</source>
        <translation>过长的行已断开显示。</translation>
    </message>
</context>
<context>
    <name>PatientFiles</name>
    <message>
        <source>Opening “{name}”…</source>
        <translation>正在打开“{name}”…</translation>
    </message>
    <message>
        <source>Saving “{name}”…</source>
        <translation>正在保存“{name}”…</translation>
    </message>
    <message>
        <source>“{name}” is as it was. The text is still here: save it on another disk.</source>
        <translation>“{name}”保持原样。文字仍在这里：请存到另一个磁盘上。</translation>
    </message>
    <message>
        <source>“{name}” may have been written; the disk does not say. The text is still here: save it on another disk.</source>
        <translation>“{name}”可能已经写入，磁盘没有回应。文字仍在这里：请存到另一个磁盘上。</translation>
    </message>
    <message>
        <source>The text is not saved</source>
        <translation>文字没有保存</translation>
    </message>
    <message>
        <source>This takes longer than usual. The disk or the network of “{folder}” may be slow, or gone. If you cancel, nothing is changed.</source>
        <translation>这次比平常久。“{folder}”所在的磁盘或网络可能很慢，或已断开。取消不会改动任何内容。</translation>
    </message>
</context>
<context>
    <name>ReadingParts</name>
    <message>
        <source>“{name}” cannot be edited</source>
        <translation>“{name}”不能编辑</translation>
    </message>
    <message>
        <source>It can be read here, and stays as it is.</source>
        <translation>可以在这里阅读，文件保持原样。</translation>
    </message>
    <message>
        <source>Read</source>
        <translation>阅读</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Read-only, {encoding}.</source>
        <translation>只读，{encoding}。</translation>
    </message>
    <message>
        <source>This part cannot be read</source>
        <translation>这一部分无法读取</translation>
    </message>
</context>
<context>
    <name>Saving</name>
    <message>
        <source>Save As</source>
        <translation>另存为</translation>
    </message>
    <message>
        <source>“{name}” would hold plain text. Save as .txt, .md or .nextstroke; File → Export… writes {kind} files.</source>
        <translation>“{name}”里只会是纯文本。请存为 .txt、.md 或 .nextstroke；要写 {kind} 文件，请用“文件 → 导出…”。</translation>
    </message>
    <message>
        <source>The text is not saved</source>
        <translation>文字没有保存</translation>
    </message>
</context>
<context>
    <name>SecondStart</name>
    <message>
        <source>Nextstroke is running, but does not answer</source>
        <translation>Nextstroke 已在运行，但没有回应</translation>
    </message>
    <message>
        <source>Its window may be busy. A second window is safe: no file is open in both.</source>
        <translation>它的窗口可能正忙。另开一个窗口是安全的：同一文件不会在两边同时打开。</translation>
    </message>
    <message>
        <source>Open a Second Window</source>
        <translation>另开一个窗口</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
</context>
<context>
    <name>ShownTab</name>
    <message>
        <source>{words} Esc cancels</source>
        <translation>{words} 按 Esc 取消</translation>
    </message>
    <message>
        <source>The model is reading…</source>
        <translation>模型正在阅读…</translation>
    </message>
    <message>
        <source>Writing… Esc stops</source>
        <translation>正在续写… 按 Esc 停止</translation>
    </message>
    <message>
        <source>The model has written.</source>
        <translation>模型写完了。</translation>
    </message>
    <message>
        <source>The model has written in {name}.</source>
        <translation>模型在 {name} 中写好了。</translation>
    </message>
</context>
<context>
    <name>SidePanel</name>
    <message>
        <source>Side panel</source>
        <translation>侧栏</translation>
    </message>
</context>
<context>
    <name>SpellingControl</name>
    <message>
        <source>Spelling is not checked for now.</source>
        <translation>暂时不检查拼写。</translation>
    </message>
    <message>
        <source>&amp;Further Dictionaries…</source>
        <translation>添加词典(&amp;F)…</translation>
    </message>
    <message>
        <source>Put the two files of a Hunspell dictionary, NAME.aff and NAME.dic, into this folder; then it stands in this menu. LibreOffice and Firefox bring such files.

{folder}</source>
        <translation>把 Hunspell 词典的两个文件 NAME.aff 和 NAME.dic 放进下面的文件夹，它就会出现在这个菜单里。LibreOffice 和 Firefox 都自带这种文件。

{folder}</translation>
    </message>
    <message>
        <source>Further Dictionaries</source>
        <translation>添加词典</translation>
    </message>
    <message>
        <source>Spelling is not checked. Switch it on in the Edit menu.</source>
        <translation>现在没有检查拼写。可以在“编辑”菜单里打开。</translation>
    </message>
    <message>
        <source>Looking for suggestions…</source>
        <translation>正在查找建议…</translation>
    </message>
    <message>
        <source>No suggestions</source>
        <translation>没有建议</translation>
    </message>
    <message>
        <source>Add to &amp;Dictionary</source>
        <translation>加入我的词典(&amp;D)</translation>
    </message>
    <message>
        <source>&amp;Ignore</source>
        <translation>忽略(&amp;I)</translation>
    </message>
</context>
<context>
    <name>SpellingWalk</name>
    <message>
        <source>No misspelt word was found.</source>
        <translation>没有发现拼写错误。</translation>
    </message>
</context>
<context>
    <name>StatisticsPanel</name>
    <message>
        <source>This text</source>
        <translation>这篇文字</translation>
    </message>
    <message>
        <source>Who wrote it</source>
        <translation>由谁写成</translation>
    </message>
    <message>
        <source>This session</source>
        <translation>这一次</translation>
    </message>
    <message>
        <source>Goals in words</source>
        <translation>字数目标</translation>
    </message>
    <message>
        <source>The last 14 days</source>
        <translation>最近 14 天</translation>
    </message>
    <message>
        <source>Chinese characters</source>
        <translation>汉字</translation>
    </message>
    <message>
        <source>with punctuation</source>
        <translation>汉字加标点</translation>
    </message>
    <message>
        <source>Words of other scripts</source>
        <translation>其他文字的词</translation>
    </message>
    <message>
        <source>Both together</source>
        <translation>合计</translation>
    </message>
    <message>
        <source>All characters but spaces</source>
        <translation>字符（不计空格）</translation>
    </message>
    <message>
        <source>Session</source>
        <translation>这一次</translation>
    </message>
    <message>
        <source>Day</source>
        <translation>每天</translation>
    </message>
    <message>
        <source>none</source>
        <translation>无</translation>
    </message>
    <message>
        <source>Goal: {name}</source>
        <translation>目标：{name}</translation>
    </message>
    <message>
        <source>A pause of more than {seconds} seconds is not counted.</source>
        <translation>停顿超过 {seconds} 秒不计时。</translation>
    </message>
    <message>
        <source>Today: {time}</source>
        <translation>今天：{time}</translation>
    </message>
    <message>
        <source>reached: {done} of {wanted}</source>
        <translation>已达到：{done} / {wanted}</translation>
    </message>
    <message>
        <source>{done} of {wanted}</source>
        <translation>{done} / {wanted}</translation>
    </message>
    <message>
        <source>{count} words by you</source>
        <translation>您写 {count} 字</translation>
    </message>
    <message>
        <source>{count} by the model</source>
        <translation>模型写 {count} 字</translation>
    </message>
    <message>
        <source>{hours} h {minutes} min of writing</source>
        <translation>写作 {hours} 小时 {minutes} 分钟</translation>
    </message>
    <message>
        <source>{minutes} min of writing</source>
        <translation>写作 {minutes} 分钟</translation>
    </message>
</context>
<context>
    <name>StatusLine</name>
    <message>
        <source>{speed} tokens/s</source>
        <translation>{speed} 词元/秒</translation>
    </message>
    <message>
        <source>context {used} / {total}</source>
        <translation>上下文 {used} / {total}</translation>
    </message>
    <message>
        <source>{count} Chinese characters</source>
        <translation>{count} 字</translation>
    </message>
    <message>
        <source>{count} word</source>
        <translation>{count} 词</translation>
    </message>
    <message>
        <source>{count} words</source>
        <translation>{count} 词</translation>
    </message>
    <message>
        <source>Status</source>
        <translation>状态</translation>
    </message>
    <message>
        <source>Chinese characters without punctuation, and words of other scripts</source>
        <translation>不含标点的汉字数，以及其他文字的词数</translation>
    </message>
</context>
<context>
    <name>TabArea</name>
    <message>
        <source>Open texts</source>
        <translation>打开的文本</translation>
    </message>
    <message>
        <source>changes not saved</source>
        <translation>更改尚未保存</translation>
    </message>
    <message>
        <source>the model is writing</source>
        <translation>模型正在写</translation>
    </message>
    <message>
        <source>{words}, {more}</source>
        <translation>{words}，{more}</translation>
    </message>
    <message>
        <source>Close {name}</source>
        <translation>关闭 {name}</translation>
    </message>
</context>
<context>
    <name>TopBar</name>
    <message>
        <source>{name}, changes not saved</source>
        <translation>{name}，有未保存的更改</translation>
    </message>
    <message>
        <source>{name}, saved</source>
        <translation>{name}，已保存</translation>
    </message>
    <message>
        <source>Menus</source>
        <translation>菜单</translation>
    </message>
</context>
</TS>
